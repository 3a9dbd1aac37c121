/** A layer as Keras and TF.js write it into JSON. */
export type LayerJson = {
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  /** Of a graph of layers, not of a sequence. */
  readonly name?: string
  readonly inbound_nodes?: unknown
}

/** A model of layers in JSON: what TF.js builds. */
export type TopologyJson = { readonly class_name: string; readonly config: Readonly<Record<string, unknown>> }

/** The topology that is exported, and how TF.js calls each tensor of the layout in it. */
export type ExportedTopology = {
  readonly topology: TopologyJson
  readonly names: ReadonlyMap<string, string>
}

/** What is at the end of a model: a probability for each class, or for the positive one. */
export function finalActivation(units: number): 'sigmoid' | 'softmax' {
  return units === 1 ? 'sigmoid' : 'softmax'
}
