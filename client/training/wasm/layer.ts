import type { Random } from '../../../core/random/random.ts'
import type { Op } from '../graph/graph.ts'
import type { Arena } from './arena.ts'

/** Where a value of the graph lies: rows one behind the other, `size` float32 values each. */
export type Place = { readonly address: number; readonly size: number }

/** Where a layer finds everything. All addresses are those of the arena, in bytes. */
export type Places = {
  /** Most rows of a call. */
  readonly rows: number
  readonly inputs: readonly Place[]
  readonly output: Place
  /** The gradient with respect to the output, as large as it; 0 where nothing is trained. */
  readonly outputGradient: number
  /** The address of a tensor of the flat vector that begins at `base`. */
  readonly tensorAt: (name: string, base: number) => number
  /** Where the weights' flat vector begins. */
  readonly weights: number
  /** Memory that any layer may use as it likes while it works. */
  readonly scratch: number
  /** Memory of this layer alone, from the forward to the backward pass. */
  readonly kept: number
}

/** Gradients of weights go into the flat vector at `base`: target ← target·(add) + alpha·gradient. */
export type GradientTarget = { readonly base: number; readonly add: boolean; readonly alpha: number }

/** One node of a graph at work. Every call is about the first `rows` rows of the values. */
export interface Layer {
  /** Writes the output. `random`: for dropout, in training only. */
  forward(rows: number, random: Random | undefined): void
  /**
   * From the gradient of the output to those of the inputs: writes, does not add, at the addresses `to`, one for each input, 0 for
   * one that nobody asks for. It may overwrite the gradient of the output with what `trained` needs of it.
   */
  backward(rows: number, to: readonly number[]): void
  /** Of layers with weights, after `backward`. */
  readonly trained?: TrainedLayer
}

export interface TrainedLayer {
  /** The gradients of the layer's weights, summed over rows. */
  gradient(rows: number, target: GradientTarget): void
  /** Adds to norms[i] the square of the Euclidean norm of row i's own gradient of the layer's weights. */
  addSquaredNorms(rows: number, norms: Float64Array): void
}

/** A kind of layer: what it needs, and how it is made. */
export type LayerKind<O extends Op> = {
  /** Float32 values of scratch for so many rows, whose outputs are `size` values each; absent: none. */
  readonly scratch?: (op: O, rows: number, size: number) => number
  /** Float32 values that it keeps for itself; absent: none. */
  readonly kept?: (op: O, rows: number, size: number) => number
  readonly build: (op: O, places: Places, arena: Arena) => Layer
}
