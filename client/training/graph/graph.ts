import type { StartingTensor } from '../starting-tensor.ts'

/** Shape of one example, without the axis of rows. */
export type Shape = readonly number[]
/** Number of a value that flows between nodes, an index into `Graph.values`. */
export type ValueId = number
/** Height, width and channels. */
export type Image = readonly [height: number, width: number, channels: number]
export type Pair = readonly [vertical: number, horizontal: number]

/** What is applied to each value by itself, or (`softmax`) to the last axis. */
export type ActivationKind = 'linear' | 'relu' | 'gelu' | 'tanh' | 'sigmoid' | 'elu' | 'softmax'

/** A window that goes over an image; `padding` is what lies before the first row and column (behind them follows from `output`). */
export type Window = {
  readonly input: Image
  readonly output: Image
  readonly size: Pair
  readonly strides: Pair
  readonly padding: Pair
}

/** What a node does. Weights are named as the tensors of the layout. */
export type Op =
  /** On the last axis: `positions` (the product of the other axes) × inputs → positions × units. Kernel `[inputs, units]`. */
  | {
      readonly kind: 'dense'
      readonly positions: number
      readonly inputs: number
      readonly units: number
      readonly kernel: string
      readonly bias: string | undefined
      readonly activation: ActivationKind
    }
  /** Kernel `[height, width, channels, filters]`. */
  | {
      readonly kind: 'conv2d'
      readonly window: Window
      readonly kernel: string
      readonly bias: string | undefined
      readonly activation: ActivationKind
    }
  /** Kernel `[height, width, channels, multiplier]`; output channel c·multiplier + m is of input channel c. */
  | {
      readonly kind: 'depthwise-conv2d'
      readonly window: Window
      readonly multiplier: number
      readonly kernel: string
      readonly bias: string | undefined
      readonly activation: ActivationKind
    }
  /** An average is over the part of the window that lies inside the image. */
  | { readonly kind: 'pool'; readonly of: 'max' | 'average'; readonly window: Window }
  /** Over all `positions` of each channel. */
  | {
      readonly kind: 'global-pool'
      readonly of: 'max' | 'average'
      readonly positions: number
      readonly channels: number
    }
  /** The same values in the same order: flatten, reshape. */
  | { readonly kind: 'reshape' }
  /** Whole numbers below `vocabulary` become rows of the table `[vocabulary, units]`. */
  | {
      readonly kind: 'embedding'
      readonly positions: number
      readonly vocabulary: number
      readonly units: number
      readonly table: string
    }
  /** Each of `positions` rows of `units` to mean 0 and variance 1; scale and shift `[units]`. */
  | {
      readonly kind: 'layer-norm'
      readonly positions: number
      readonly units: number
      readonly epsilon: number
      readonly gamma: string | undefined
      readonly beta: string | undefined
    }
  /** Each of `groups` consecutive parts of the channels, over all positions, to mean 0 and variance 1 (Wu and He, ECCV 2018). */
  | {
      readonly kind: 'group-norm'
      readonly positions: number
      readonly channels: number
      readonly groups: number
      readonly epsilon: number
      readonly gamma: string | undefined
      readonly beta: string | undefined
    }
  /** `units`: size of the last axis. */
  | { readonly kind: 'activation'; readonly activation: ActivationKind; readonly units: number }
  /** `rate`: share of the values that is dropped in training; the others are scaled by 1/(1 − rate). */
  | { readonly kind: 'dropout'; readonly rate: number }
  | { readonly kind: 'add' }

export type GraphNode = {
  /** As a person wrote it, for messages. */
  readonly name: string
  readonly op: Op
  /** One value, of `add` two or more. */
  readonly inputs: readonly ValueId[]
  readonly output: ValueId
}

/** A model as nodes in an order in which each comes after what it takes. Value 0 is the input; `output` are the logits. */
export type Graph = {
  readonly values: readonly Shape[]
  readonly nodes: readonly GraphNode[]
  readonly output: ValueId
  /** Weights, with how they start; `layoutOf` orders them. */
  readonly tensors: readonly StartingTensor[]
}

/** Why a model is no such graph. */
export type OutOfReach = { readonly outOfReach: string }
