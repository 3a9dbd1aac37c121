import { privateClipFactor } from '../../../core/privacy/clipping/flat.ts'
import type { Batch } from '../batches.ts'
import type { Graph } from '../graph/graph.ts'
import { type BatchLoss, lossFor } from '../loss.ts'
import type { NetworkOptions, SessionOptions } from '../network.ts'
import type { TrainingSession } from '../session.ts'
import { type Arena, ArenaPlan, takeArena } from './arena.ts'
import { planDescent, type WasmDescent } from './descent.ts'
import { type LayeredModel, layOut } from './model.ts'

/** A training in one arena: weights, values, gradients and what the optimizer remembers; no step takes memory. */
export class WasmSession implements TrainingSession {
  readonly weights: Float32Array
  readonly gathered: Float32Array
  readonly #arena: Arena
  readonly #model: LayeredModel
  readonly #descent: WasmDescent
  readonly #session: SessionOptions
  readonly #lossOf: BatchLoss
  readonly #rows: number
  readonly #width: number
  readonly #norms: Float64Array
  /** Addresses. */
  readonly #at: { readonly weights: number; readonly gradient: number }

  constructor(module: WebAssembly.Module, graph: Graph, options: NetworkOptions, session: SessionOptions) {
    const plan = new ArenaPlan()
    const laid = layOut(graph, plan, session.rows, true)
    const { length, rows, weights } = laid
    const gradient = plan.float32(length)
    const norms = plan.float64(rows)
    const descent = planDescent(plan, options.model, graph, session)
    this.#arena = takeArena(module, plan, session.memoryBytes)
    this.#model = laid.build(this.#arena)
    this.weights = this.#arena.float32(weights, length)
    this.weights.set(session.weights)
    this.gathered = this.#arena.float32(gradient, length)
    this.gathered.fill(0)
    this.#descent = descent(this.#arena, { weights, gradient, length })
    this.#at = { weights, gradient }
    this.#session = session
    this.#lossOf = lossFor(options.ends, session.training.loss)
    this.#rows = rows
    this.#width = this.#model.input.length / rows
    this.#norms = this.#arena.float64(norms, rows)
  }

  step(batch: Batch): number {
    // The step itself is what the products add to the weights, where nothing has to be known of the gradient before.
    const { rate } = this.#descent
    if (rate !== undefined && batch.rows <= this.#rows) {
      const sum = this.#forward(batch, 0, batch.rows, batch.rows)
      if (Number.isFinite(sum)) {
        this.#model.backward(batch.rows, { base: this.#at.weights, add: true, alpha: -rate })
      }
      return sum
    }
    let sum = 0
    for (let begin = 0; begin < batch.rows; begin += this.#rows) {
      const rows = Math.min(this.#rows, batch.rows - begin)
      sum += this.#forward(batch, begin, rows, batch.rows)
      if (!Number.isFinite(sum)) return sum
      this.#model.backward(rows, { base: this.#at.gradient, add: begin > 0, alpha: 1 })
    }
    this.#descent.step()
    return sum
  }

  addClipped(batch: Batch, clip: number, divisor: number): number {
    let sum = 0
    for (let begin = 0; begin < batch.rows; begin += this.#rows) {
      const rows = Math.min(this.#rows, batch.rows - begin)
      sum += this.#forward(batch, begin, rows, divisor)
      if (!Number.isFinite(sum)) return sum
      this.#model.backward(rows, undefined)
      this.#model.squaredNorms(rows, this.#norms)
      for (let row = 0; row < rows; row++) {
        const norm = Math.sqrt(this.#norms[row] as number) * divisor
        // A gradient that is not finite has no direction to be clipped to.
        if (!Number.isFinite(norm)) return Number.NaN
        this.#norms[row] = privateClipFactor(norm, clip)
      }
      this.#model.scaleRows(rows, this.#norms)
      this.#model.gradient(rows, { base: this.#at.gradient, add: true, alpha: 1 })
    }
    return sum
  }

  applyGathered(): void {
    this.#descent.step()
    this.gathered.fill(0)
  }

  end(): void {
    this.#arena.release()
  }

  /** The losses of some rows of a batch, and their gradients, divided by `divisor`. */
  #forward({ features, labels }: Batch, begin: number, rows: number, divisor: number): number {
    const model = this.#model
    const width = this.#width
    model.input.set(
      begin === 0 && features.length === rows * width
        ? features
        : features.subarray(begin * width, (begin + rows) * width),
    )
    model.forward(rows, this.#session.dropout)
    const own = begin === 0 && labels.length === rows ? labels : labels.subarray(begin, begin + rows)
    return this.#lossOf(model.logits, own, model.logitsGradient, divisor)
  }
}
