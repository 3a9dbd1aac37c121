import { privateClipFactor } from '../../../core/privacy/clipping/flat.ts'
import type { Random } from '../../../core/random/random.ts'
import type { Batch } from '../batches.ts'
import { type Descent, descentOf } from '../descent.ts'
import { checkLength } from '../length.ts'
import { type BatchLoss, lossFor } from '../loss.ts'
import type { NetworkOptions, SessionOptions } from '../network.ts'
import { norm } from '../optimizer.ts'
import type { TrainingSession } from '../session.ts'
import type { Engine, Tensor } from './load.ts'
import { uploadWeights } from './network.ts'
import type { TensorNetwork } from './tensor-network.ts'

/** A training on TF.js, which gives gradients; everything else is done on plain arrays. */
export class TensorSession implements TrainingSession {
  readonly weights: Float32Array
  readonly #engine: Engine
  readonly #network: TensorNetwork
  readonly #lossOf: BatchLoss
  readonly #descent: Descent
  readonly #dropout: Random
  readonly #gradient: Float32Array
  readonly #lossGradient: Float32Array
  readonly #width: number
  readonly #units: number
  #gathered: Float32Array | undefined

  constructor(engine: Engine, network: TensorNetwork, options: NetworkOptions, session: SessionOptions) {
    checkLength(network.layout, session.weights)
    this.#engine = engine
    this.#network = network
    this.#lossOf = lossFor(options.ends, session.training.loss)
    this.#descent = descentOf(options.model, network.layout, session)
    this.#dropout = session.dropout
    this.#units = options.ends.classes
    this.#width = network.input.reduce((product, size) => product * size, 1)
    this.weights = session.weights.slice()
    this.#gradient = new Float32Array(this.weights.length)
    this.#lossGradient = new Float32Array(session.rows * this.#units)
  }

  step(batch: Batch): number {
    const sum = this.#gradientOf(batch)
    if (Number.isFinite(sum)) this.#descent(this.weights, this.#gradient)
    return sum
  }

  addClipped({ rows, features, labels }: Batch, clip: number, divisor: number): number {
    let sum = 0
    for (let row = 0; row < rows; row++) {
      const one = features.subarray(row * this.#width, (row + 1) * this.#width)
      const loss = this.#gradientOf({ rows: 1, features: one, labels: labels.subarray(row, row + 1) })
      sum += loss
      if (!Number.isFinite(loss)) return sum
      const length = norm(this.#gradient)
      // A gradient that is not finite has no direction to be clipped to.
      if (!Number.isFinite(length)) return Number.NaN
      const factor = privateClipFactor(length, clip) / divisor
      const { gathered } = this
      for (let j = 0; j < gathered.length; j++) {
        gathered[j] = (gathered[j] as number) + factor * (this.#gradient[j] as number)
      }
    }
    return sum
  }

  get gathered(): Float32Array {
    this.#gathered ??= new Float32Array(this.weights.length)
    return this.#gathered
  }

  applyGathered(): void {
    this.#descent(this.weights, this.gathered)
    this.gathered.fill(0)
  }

  end(): void {}

  /** Writes the gradient of a batch's mean loss and gives the sum of its losses. */
  #gradientOf({ rows, features, labels }: Batch): number {
    const engine = this.#engine
    const lossGradient = this.#lossGradient.subarray(0, rows * this.#units)
    engine.use()
    let sum = 0
    engine.tf.tidy(() => {
      const tensors = uploadWeights(engine, this.#network, this.weights)
      const x = engine.upload(features, [rows, ...this.#network.input])
      const byLogits = (logits: Tensor): Tensor => {
        sum = this.#lossOf(engine.read(logits), labels, lossGradient)
        return engine.upload(lossGradient, [rows, this.#units])
      }
      let offset = 0
      for (const tensor of this.#network.gradients(tensors, x, byLogits, this.#dropout)) {
        this.#gradient.set(engine.read(tensor), offset)
        offset += tensor.size
      }
    })
    return sum
  }
}
