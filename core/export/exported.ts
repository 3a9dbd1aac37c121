import { ParleyError } from '../errors/index.ts'
import type { Inputs } from '../plan/data.ts'
import type { Model } from '../plan/model.ts'
import { checkModelNames } from '../tensors/control.ts'
import { type Layout, layoutLength } from '../tensors/layout.ts'

/** A file of a model in another format than Parley's own; `name` has no folder in it. */
export type ModelFile = { readonly name: string; readonly bytes: Uint8Array }

/** What an export follows from: sections of the plan, and what was made of it. */
export type ExportInput = {
  /** Name of the model, of the plan. */
  readonly name: string
  readonly model: Model
  readonly data: Inputs
  /** Of the published model: without control variates. */
  readonly layout: Layout
}

export type WeightsInput = ExportInput & {
  /** The flat vector, in the order of the layout. */
  readonly weights: Float32Array
}

/** Throws `tensors.malformed` when the flat vector is not of the layout, or has values that are not finite. */
export function checkWeights({ layout, weights }: Pick<WeightsInput, 'layout' | 'weights'>): void {
  checkModelNames(layout)
  const length = layoutLength(layout)
  if (weights.length !== length) {
    throw new ParleyError('tensors.malformed', `${weights.length} values for a layout of ${length}`)
  }
  if (!weights.every(Number.isFinite)) throw new ParleyError('tensors.malformed', 'the weights are not all finite')
}
