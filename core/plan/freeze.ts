import { ParleyError } from '../errors/index.ts'
import { modelTensorName } from '../tensors/control.ts'
import { type Layout, tensorsIn } from '../tensors/layout.ts'
import { shortFormLayout } from './architecture.ts'
import type { Plan } from './plan.ts'
import { unknownWord } from './words.ts'

/** A tensor that is not trained, and where it lies in the flat vector, in float32 values. */
export type FrozenTensor = { readonly tensor: string; readonly offset: number; readonly length: number }

/**
 * The tensors of a layout that `training.freeze` names, in their order: a tensor by its name, or those of a layer,
 * `dense_1` for `dense_1/kernel` and `dense_1/bias`. The control variates of a frozen tensor are frozen with it. Throws
 * `plan.invalid` for a name that nothing has, with the nearest one, and where nothing would be left to train.
 */
export function frozenTensors(freeze: readonly string[] | undefined, layout: Layout): readonly FrozenTensor[] {
  if (freeze === undefined) return []
  const names = layout.map(({ name }) => modelTensorName(name))
  const isFrozen = (name: string) => freeze.some((entry) => covers(entry, name))
  const unknown = freeze.findIndex((entry) => !names.some((name) => covers(entry, name)))
  if (unknown >= 0) {
    const known = [...new Set(names.flatMap((name) => [...prefixes(name), name]))]
    throw invalid(`training.freeze.${unknown}: ${unknownWord(freeze[unknown] ?? '', known, 'layer or tensor')}`)
  }
  if (names.every(isFrozen)) throw invalid('training.freeze: nothing is left to train')
  return Array.from(tensorsIn(layout), ({ tensor, offset, length }) => ({
    tensor: tensor.name,
    offset,
    length,
  })).filter(({ tensor }) => isFrozen(modelTensorName(tensor)))
}

/** Throws `plan.invalid` as `frozenTensors`, where the plan alone says which tensors there are: not of a topology. */
export function checkFreeze({ model, data, training }: Plan): void {
  if (training.freeze !== undefined && !('layers' in model))
    frozenTensors(training.freeze, shortFormLayout(model, data))
}

/** Sets to zero what is frozen of a part of a flat vector, which begins at coordinate `from` of it. */
export function zeroFrozen(part: Float32Array | Float64Array, from: number, frozen: readonly FrozenTensor[]): void {
  for (const [begin, end] of frozenIn(frozen, from, part.length)) part.fill(0, begin, end)
}

/** Where frozen tensors lie in the part of the flat vector from coordinate `from` on, counted from there. */
export function* frozenIn(
  frozen: readonly FrozenTensor[],
  from: number,
  length: number,
): Generator<readonly [begin: number, end: number, tensor: string]> {
  for (const { tensor, offset, length: size } of frozen) {
    const begin = Math.max(0, offset - from)
    const end = Math.min(length, offset + size - from)
    if (begin < end) yield [begin, end, tensor]
  }
}

function covers(entry: string, name: string): boolean {
  return name === entry || name.startsWith(`${entry}/`)
}

/** `a/b` and `a` for `a/b/c`. */
function prefixes(name: string): string[] {
  const parts = name.split('/')
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
}

function invalid(message: string): ParleyError {
  return new ParleyError('plan.invalid', message)
}
