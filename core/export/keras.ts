import type { LabelRange } from '../metrics/counts.ts'
import type { DataEnds } from '../plan/data.ts'

/** A layer as Keras and TF.js write it into JSON. */
export type LayerJson = {
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  /** Of a graph of layers, not of a sequence. */
  readonly name?: string
  readonly inbound_nodes?: unknown
  readonly inboundNodes?: unknown
}

/** A model of layers in JSON: what TF.js builds. */
export type TopologyJson = { readonly class_name: string; readonly config: Readonly<Record<string, unknown>> }

/** The topology that is exported, and how TF.js calls each tensor of the layout in it. */
export type ExportedTopology = {
  readonly topology: TopologyJson
  readonly names: ReadonlyMap<string, string>
}

/** What is at the end of a model: a probability for each class, or for the positive one; of a numeric label what it gives. */
export function finalActivation({ classes, numeric }: Pick<DataEnds, 'classes' | 'numeric'>) {
  if (numeric !== undefined) return 'linear'
  return classes === 1 ? 'sigmoid' : 'softmax'
}

/** A last layer that makes the label's own unit of shares of its range. */
export function rescalingLayer({ min, max }: LabelRange, name: string): LayerJson {
  return { class_name: 'Rescaling', config: { name, scale: max - min, offset: min, trainable: true } }
}
