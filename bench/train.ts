/** Milliseconds of one training step, by model, batch and engine; beside PyTorch on one thread where there is one. */
import { createTrainer, type Dataset } from '../client/index.ts'
import { architectureOf, type LayerSpec, type ShortForm } from '../core/plan/architecture.ts'
import { modelSchema } from '../core/plan/model.ts'
import { type Training, trainingSchema } from '../core/plan/training.ts'
import { randomOf } from '../core/random/random.ts'
import { layoutLength } from '../core/tensors/layout.ts'
import { timeTorch } from './train-torch.ts'

export type TrainRow = {
  readonly model: string
  readonly batch: number
  readonly engine: string
  readonly threads: number
  /** The quickest of a few trainings, divided by their steps. */
  readonly msPerStep: number
  /** Time of processors that the same training took, by step: what other programs on the machine take is not in it. */
  readonly cpuMsPerStep: number
  /** Of one step: additions and multiplications of the products of all layers, forward and backward. */
  readonly flops: number
  readonly gflops: number
}

type Subject = {
  readonly name: string
  readonly model: ShortForm
  readonly dataset: Dataset
  readonly batches: readonly number[]
}

const subjects: readonly Subject[] = [
  subject('784-200-200-10', { mlp: { hidden: [200, 200] } }, [28, 28, 1], 10, [10, 32]),
  subject('cnn', { cnn: { filters: [32, 64], dense: 512 } }, [28, 28, 1], 10, [10, 32]),
  subject('logistic-30', { logistic: {} }, [30], 1, [16]),
]

/** An engine of its own for each, TF.js with the fastest backend that is there. */
const engines = ['wasm', 'tfjs'] as const

/** As long as a training takes at least, in milliseconds, for its clock to count for nothing. */
const LONG_MS = 300
const MOST_STEPS = 200_000
const RUNS = 5

export async function benchTrain(): Promise<object> {
  const rows: TrainRow[] = []
  const skipped: string[] = []
  const cases = subjects.flatMap((subject) => subject.batches.map((batch) => ({ subject, batch })))
  for (const { subject, batch } of cases) {
    for (const engine of engines) {
      try {
        rows.push(rowOf(subject, batch, await measured(subject, batch, engine)))
      } catch (failure) {
        skipped.push(`${subject.name} on ${engine}: ${failure instanceof Error ? failure.message : failure}`)
      }
    }
  }
  const torch = await timeTorch(cases.map(({ subject, batch }) => ({ model: subject.name, batch })))
  if ('skipped' in torch) skipped.push(torch.skipped)
  else
    torch.cases.forEach((time, i) => {
      const one = cases[i]
      if (one !== undefined) rows.push(rowOf(one.subject, one.batch, { engine: 'pytorch', ...time }))
    })
  return { rows, ...(skipped.length === 0 ? {} : { skipped: [...new Set(skipped)] }) }
}

type Measured = { readonly engine: string; readonly msPerStep: number; readonly cpuMsPerStep: number }

function rowOf(
  { name, model, dataset }: Subject,
  batch: number,
  { engine, msPerStep, cpuMsPerStep }: Measured,
): TrainRow {
  const flops = batch * flopsOfRow(architectureOf(model, dataset).layers)
  return {
    model: name,
    batch,
    engine,
    threads: 1,
    msPerStep: rounded(msPerStep),
    cpuMsPerStep: rounded(cpuMsPerStep),
    flops,
    gflops: rounded(flops / msPerStep / 1e6),
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}

/** Two for each multiplication of the forward pass, of the kernels' gradients, and of the gradients of all inputs but the first. */
function flopsOfRow(layers: readonly LayerSpec[]): number {
  return layers.reduce((sum, layer, i) => sum + (i === 0 ? 4 : 6) * productsOf(layer), 0)
}

function productsOf(layer: LayerSpec): number {
  if (layer.kind === 'dense') return layer.inputs * layer.units
  const [height, width, channels] = layer.input
  return height * width * layer.kernel ** 2 * channels * layer.filters
}

/** Trains for longer and longer, and then a few times more. */
async function measured(subject: Subject, batch: number, engine: NonNullable<Training['engine']>): Promise<Measured> {
  let steps = 4
  let found = await training(subject, batch, engine, steps)
  while (found.ms < LONG_MS && steps < MOST_STEPS) {
    steps = Math.min(MOST_STEPS, Math.ceil((steps * 1.2 * LONG_MS) / Math.max(found.ms, LONG_MS / 8)))
    found = await training(subject, batch, engine, steps)
  }
  for (let run = 1; run < RUNS; run++) {
    const next = await training(subject, batch, engine, steps)
    if (next.ms < found.ms) found = next
  }
  return { engine: found.engine, msPerStep: found.ms / steps, cpuMsPerStep: found.cpuMs / steps }
}

async function training(
  { model, dataset }: Subject,
  batch: number,
  engine: NonNullable<Training['engine']>,
  steps: number,
): Promise<{ readonly engine: string; readonly ms: number; readonly cpuMs: number }> {
  const optimizer = { sgd: { learningRate: 0.01 } }
  const trainer = await createTrainer({
    model,
    dataset,
    training: trainingSchema.parse({ steps, batch, optimizer, engine }),
  })
  const random = randomOf(1, 'weights')
  const length = layoutLength(trainer.layout)
  const weights = Float32Array.from({ length }, () => 0.05 * random.normal())
  const { signal } = new AbortController()
  const [began, used] = [performance.now(), process.cpuUsage()]
  await trainer.train({ weights, seed: 1, run: 'run_bench', model: '00'.repeat(32), signal })
  const ms = performance.now() - began
  const { user, system } = process.cpuUsage(used)
  trainer.dispose()
  return { engine: trainer.engine, ms, cpuMs: (user + system) / 1000 }
}

function subject(
  name: string,
  model: object,
  shape: readonly number[],
  classes: number,
  batches: readonly number[],
): Subject {
  const random = randomOf(1, name)
  const width = shape.reduce((product, size) => product * size, 1)
  const examples = (rows: number) => ({
    rows,
    features: Float32Array.from({ length: rows * width }, () => random.uniform()),
    labels: Int32Array.from({ length: rows }, () => random.below(Math.max(2, classes))),
  })
  const [train, test] = [examples(640), examples(1)]
  const report = { rows: 641, used: 641, bad: [], train: 640, test: 1 }
  return {
    name,
    model: modelSchema.parse(model) as ShortForm,
    dataset: { shape, classes, train, test, report },
    batches,
  }
}
