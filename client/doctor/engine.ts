import { ParleyError } from '../../core/errors/index.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { datasetFromCsv } from '../data/load.ts'
import { createTrainer } from '../training/trainer.ts'
import { type Finding, failed, ok } from './finding.ts'
import type { DoctorOptions } from './options.ts'
import { since } from './reach.ts'

const PLAN = `
parley: 1
name: doctor
model: { logistic: {} }
data:
  csv:
    columns: [{ name: x, type: number }, { name: y, type: label }]
    label: { positive: { above: 0 } }
training: { epochs: 1, batch: 32, optimizer: { sgd: { learningRate: 0.1 } } }
rounds: 1
window: { count: { min: 1, max: 1 }, time: { min: 0s, max: 1m } }
gates: [{ metric: accuracy, min: 0 }]
`

const ROWS = 32

/** Loads the engine that a client would use, and trains on made-up rows. */
export async function checkEngine({ engine, clock }: DoctorOptions): Promise<Finding> {
  const began = clock.monotonic()
  try {
    const { model, data, training } = parsePlan(PLAN, { maxBytes: PLAN.length })
    if (!('csv' in data)) throw new ParleyError('internal', 'the made-up plan has no table')
    const rows = Array.from({ length: ROWS }, (_, row) => `${row / ROWS - 0.5},${row < ROWS / 2 ? 0 : 1}`)
    const dataset = datasetFromCsv(data, `x,y\n${rows.join('\n')}\n`)
    const trainer = await createTrainer({ model, dataset, training, ...(engine === undefined ? {} : { engine }) })
    try {
      const weights = new Float32Array(layoutLength(trainer.layout))
      const signal = new AbortController().signal
      const { loss } = await trainer.train({ weights, seed: 1, run: 'doctor', model: '', signal })
      const ms = since(began, clock)
      if (!Number.isFinite(loss)) throw new ParleyError('engine.diverged', 'the loss over made-up rows is not finite')
      return ok(`${trainer.engine} trained on made-up rows, ${ms} ms`, { engine: trainer.engine, ms })
    } finally {
      trainer.dispose()
    }
  } catch (failure) {
    return failed(failure)
  }
}
