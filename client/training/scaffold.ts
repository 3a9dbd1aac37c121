import { ParleyError } from '../../core/errors/index.ts'
import { withControl } from '../../core/tensors/control.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import type { ControlMemory, OwnControl } from './controls.ts'
import type { Trainer, TrainRequest, TrainResult } from './ports.ts'

/**
 * SCAFFOLD on a client (Karimireddy et al., ICML 2020, option II) around a trainer that takes plain steps of size
 * `rate` = η. The flat vector is [w | c] with the coordinator's control variate c. Every gradient gets + (c − cᵢ); after K
 * steps, with g = (w − w⁺) / (K·η),
 *   cᵢ⁺ = cᵢ − c + g,
 * and since c + (cᵢ⁺ − cᵢ) = g, the trained vector is [w⁺ | g]: the update, trained − base, is [Δw | Δcᵢ].
 */
export function withScaffold(trainer: Trainer, rate: number, memory: ControlMemory): Trainer {
  const length = layoutLength(trainer.layout)
  const { evaluateGroups } = trainer
  const own = new OwnControls(memory, length)
  return {
    engine: trainer.engine,
    ...(trainer.why === undefined ? {} : { why: trainer.why }),
    layout: withControl(trainer.layout),
    ...(trainer.rows === undefined ? {} : { rows: trainer.rows }),
    ...(trainer.hidesRows === undefined ? {} : { hidesRows: trainer.hidesRows }),
    train: (request) => train(trainer, rate, own, request),
    // A version that was published is a model without controls.
    evaluate: (weights, signal) => trainer.evaluate(weights.subarray(0, length), signal),
    ...(evaluateGroups === undefined
      ? {}
      : { evaluateGroups: (weights, signal) => evaluateGroups(weights.subarray(0, length), signal) }),
    dispose: () => trainer.dispose(),
  }
}

async function train(trainer: Trainer, rate: number, own: OwnControls, request: TrainRequest): Promise<TrainResult> {
  const { run, model } = request
  const [weights, common] = halves(request.weights, own.length)
  const before = await own.of(run, model)
  const correction = common.map((c, j) => c - (before[j] as number))
  const result = await trainer.train({ ...request, weights, correction })
  const trained = new Float32Array(2 * own.length)
  trained.set(result.weights)
  const mean = trained.subarray(own.length)
  const after = new Float32Array(own.length)
  for (let j = 0; j < own.length; j++) {
    mean[j] = ((weights[j] as number) - (result.weights[j] as number)) / (result.steps * rate)
    // Exactly what the update will say, so that rounding does not drive the coordinator's mean and the clients apart.
    after[j] = (before[j] as number) + Math.fround((mean[j] as number) - (common[j] as number))
  }
  return { ...result, weights: trained, accepted: () => own.keep(run, { model, before, after }) }
}

function halves(vector: Float32Array, length: number): [weights: Float32Array, control: Float32Array] {
  if (vector.length !== 2 * length) {
    throw new ParleyError(
      'node.model-mismatch',
      `the weights and controls have ${vector.length} values, the model has twice ${length}`,
    )
  }
  return [vector.subarray(0, length), vector.subarray(length)]
}

/** The client's own controls: those of the last run also in this process, should its memory fail. */
class OwnControls {
  readonly length: number
  readonly #memory: ControlMemory
  #last: { readonly run: string; readonly control: OwnControl } | undefined

  constructor(memory: ControlMemory, length: number) {
    this.#memory = memory
    this.length = length
  }

  /** The control with which to train from a model of a run; zero at first. */
  async of(run: string, model: string): Promise<Float32Array> {
    const control = this.#last?.run === run ? this.#last.control : await this.#memory.load(run, this.length)
    if (control === undefined) return new Float32Array(this.length)
    const values = control.model === model ? control.before : control.after
    // Of another model, or damaged: then it starts again, as a new client does.
    return values.length === this.length && values.every(Number.isFinite) ? values : new Float32Array(this.length)
  }

  async keep(run: string, control: OwnControl): Promise<void> {
    this.#last = { run, control }
    await this.#memory.save(run, control)
  }
}
