import { createTrainer, type Dataset, type Examples, type Trainer } from '../../client/index.ts'
import type { RandomBytes } from '../../core/privacy/index.ts'
import { insecureSeededBytes } from '../engine/seeded-bytes.ts'
import type { Job, JobResult, SharedExamples, World } from './job.ts'

/** Does jobs, in a thread of its own or in that of the simulation. Keeps the engine and the data; models are small. */
export class Workbench {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  async do(job: Job): Promise<JobResult> {
    return job.kind === 'train' ? await this.#train(job) : await this.#evaluate(job)
  }

  async #train(job: Extract<Job, { kind: 'train' }>): Promise<JobResult> {
    const rows = this.#world.rows[job.client]?.train ?? new Uint32Array(0)
    const { records } = job
    const randomBytes = records === undefined ? undefined : insecureSeededBytes(records.seed, records.stream)
    const own = take(this.#world.train, rows, this.#width)
    const train = async (trainer: Trainer): Promise<JobResult> => {
      const { weights, samples, loss, steps } = await trainer.train({
        weights: job.weights.values,
        seed: job.seed,
        run: '',
        model: job.weights.id,
        signal: never,
        ...(job.correction === undefined ? {} : { correction: job.correction }),
        ...(records === undefined ? {} : { records: records.privacy }),
      })
      const trainedOn = { engine: trainer.engine, why: trainer.why ?? '' }
      return { kind: 'train', weights, samples, loss, steps, trainedOn }
    }
    return await this.#with(own, nobody(this.#width), train, randomBytes)
  }

  async #evaluate(job: Extract<Job, { kind: 'evaluate' }>): Promise<JobResult> {
    const examples = this.#heldOut(job.client)
    return await this.#with(nobody(this.#width), examples, async (trainer) => ({
      kind: 'evaluate',
      counts: await trainer.evaluate(job.weights.values, never),
    }))
  }

  #heldOut(client: number | 'all' | 'probe'): Examples {
    const { test, probe, rows, central = test } = this.#world
    if (client === 'all') return { rows: central.labels.length, ...central }
    if (client === 'probe') return probe === undefined ? nobody(0) : { rows: probe.labels.length, ...probe }
    return take(test, rows[client]?.test ?? new Uint32Array(0), this.#width)
  }

  get #width(): number {
    return this.#world.shape.reduce((product, size) => product * size, 1)
  }

  async #with<T>(
    train: Examples,
    test: Examples,
    work: (trainer: Trainer) => Promise<T>,
    randomBytes?: RandomBytes,
  ): Promise<T> {
    const { shape, classes, numeric, model, training, engine } = this.#world
    const report = {
      rows: train.rows + test.rows,
      used: train.rows + test.rows,
      bad: [],
      train: train.rows,
      test: test.rows,
    }
    const range = numeric === undefined ? {} : { numeric }
    const dataset: Dataset = { shape, classes, ...range, train, test, report }
    const trainer = await createTrainer({
      model,
      dataset,
      training,
      randomBytes,
      ...(engine === undefined ? {} : { engine }),
    })
    try {
      return await work(trainer)
    } finally {
      trainer.dispose()
    }
  }
}

const never = new AbortController().signal

function nobody(width: number): Examples {
  return { rows: 0, features: new Float32Array(0 * width), labels: new Int32Array(0) }
}

/** Some rows, copied together. */
function take({ features, labels }: SharedExamples, rows: Uint32Array, width: number): Examples {
  const out = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    out.set(features.subarray(row * width, (row + 1) * width), i * width)
  })
  return { rows: rows.length, features: out, labels: Int32Array.from(rows, (row) => labels[row] as number) }
}
