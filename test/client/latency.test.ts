import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heldReader } from '../../client/training/holdout.ts'
import { startingModel } from '../../client/training/initial.ts'
import { type LatencyOptions, latencyMeter } from '../../client/training/latency.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { LATENCY_ANSWERS, LATENCY_WARM_UP, latencyWords } from '../../core/run/latency.ts'
import { planText } from '../support/plans.ts'

const GATES = `
  - { latency: { maxMs: 20 } }
  - { latency: { maxMs: 10, percentile: 50 } }
  - { latency: { maxMs: 50, batch: 7 } }
  - { metric: accuracy, min: 0 }`

const planWith = (model = 'logistic: {}', gates = GATES) =>
  parsePlan(planText({ gates }).replace('logistic: {}', model))
const topology = `layers: { class_name: Sequential, config: { layers: [
  { class_name: Dense, config: { units: 4, activation: relu, batch_input_shape: [null, 3] } },
  { class_name: Dense, config: { units: 1 } } ] } }`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-latency-'))
  await writeFile(join(folder, 'rows.csv'), `x0,x1,x2,y\n${'1,2,3,1\n4,5,6,0\n'.repeat(5)}`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Each answer takes as long as the fake clock says: the n-th takes n ms. */
function steps(costOf: (n: number) => number): () => number {
  let [time, calls] = [0, 0]
  return () => {
    // Every second look at the clock is after an answer.
    if (calls++ % 2 === 1) time += costOf(calls / 2 - 1)
    return time
  }
}

const machine = { processors: 2, model: 'Some processor' }
const measure = async (plan = planWith(), options: LatencyOptions = {}) =>
  await latencyMeter({ engine: 'tfjs-cpu', machine, ...options }).measure(plan, (await startingModel(plan)).weights)

describe('a latency meter', () => {
  test('gives what the clock says, of each batch and percentile that is asked for', async () => {
    const all = LATENCY_WARM_UP + LATENCY_ANSWERS
    const result = await measure(planWith(), { now: steps((n) => 1 + (n % all)) })
    expect(result).toEqual({
      engine: 'tfjs-cpu',
      machine,
      rows: 'synthetic',
      answers: LATENCY_ANSWERS,
      warmUp: LATENCY_WARM_UP,
      figures: [
        { batch: 1, percentile: 95, ms: LATENCY_WARM_UP + 0.95 * LATENCY_ANSWERS },
        { batch: 1, percentile: 50, ms: LATENCY_WARM_UP + 0.5 * LATENCY_ANSWERS },
        { batch: 7, percentile: 95, ms: LATENCY_WARM_UP + 0.95 * LATENCY_ANSWERS },
      ],
    })
  })

  test.each([
    ['an mlp', 'mlp: { hidden: [4] }'],
    ['a topology', topology],
  ])('measures %s', async (_, model) => {
    const result = await measure(planWith(model), { now: steps(() => 0.0126) })
    expect(result).toMatchObject({ figures: [{ ms: 0.013 }, { ms: 0.013 }, { ms: 0.013 }] })
  })

  test('takes rows that the coordinator holds, also fewer than a batch', async () => {
    const held = heldReader({ holdout: { csv: join(folder, 'rows.csv') } })
    const plan = planWith('logistic: {}', '[{ latency: { maxMs: 20, batch: 64 } }]')
    expect(await measure(plan, { held, now: steps(() => 1) })).toMatchObject({ rows: 'holdout', figures: [{ ms: 1 }] })
    const lost = heldReader({ holdout: { csv: join(folder, 'nowhere.csv') } })
    await expect(measure(plan, { held: lost })).rejects.toMatchObject({ code: 'data.not-found' })
  })

  test('does not wait for ever', async () => {
    expect(await measure(planWith(), { now: steps(() => 1_000) })).toEqual({
      failure: 'its answers take more than 60 s altogether',
    })
  })

  test('needs weights of the plan’s model', async () => {
    const meter = latencyMeter({ engine: 'tfjs-cpu' })
    await expect(meter.measure(planWith(), new Float32Array(2))).rejects.toMatchObject({ code: 'node.model-mismatch' })
  })

  test('describes the machine by its processors, without its name', async () => {
    const plan = planWith('logistic: {}', '[{ latency: { maxMs: 20 } }]')
    const weights = (await startingModel(plan)).weights
    const result = await latencyMeter({ engine: 'tfjs-cpu', now: steps(() => 1) }).measure(plan, weights)
    if ('failure' in result) throw new Error(result.failure)
    expect(result.machine.processors).toBeGreaterThan(0)
    expect(result.machine.model).not.toBe('')
    expect(latencyWords(result)).toMatch(
      /^200 answers after 20 to warm up, on rows drawn from the seed, tfjs-cpu, \d+ proc/,
    )
    expect(JSON.stringify(result)).not.toContain(hostname())
  })
})
