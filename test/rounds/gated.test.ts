/** What gates are for: a model that attackers have spoiled is not published, and what is in use stays in use. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { datasetFromCsv } from '../../client/data/load.ts'
import type { Trainer } from '../../client/training/ports.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { randomOf } from '../../core/random/random.ts'
import type { GateVerdict, RunView } from '../../core/run/view.ts'
import { inProcess } from '../support/cli.ts'
import { planText } from '../support/plans.ts'
import { Started } from '../support/started.ts'

const honest = ['a', 'b', 'c', 'd', 'e']
const attackers = ['x', 'y']
const adminToken = 'the-token-of-this-test'
let started: Started
let folder: string
let attacking = false

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-gated-'))
  await writeFile(join(folder, 'token'), adminToken)
  started = await Started.create({ clients: [...honest, ...attackers], adminToken })
  for (const [i, name] of [...honest, ...attackers].entries()) {
    const trainer = async (plan: Plan) => {
      const trained = await trainerOf(plan, i)
      return attackers.includes(name) ? turned(trained) : trained
    }
    started.addClient(name, i % 2 === 0 ? 'grpc' : 'ws', {} as Trainer, { trainer })
  }
})

afterAll(async () => {
  await started.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Real training on 200 rows, whose label is what the sum of the inputs says, give or take. */
async function trainerOf(plan: Plan, seed: number): Promise<Trainer> {
  if (!('csv' in plan.data)) throw new TypeError('the plan has no table')
  const random = randomOf(seed, 'gated')
  const rows = Array.from({ length: 200 }, () => {
    const x = [random.normal(), random.normal(), random.normal()] as const
    return [...x, x[0] + x[1] + x[2] + random.normal() > 0 ? 1 : 0].join(',')
  })
  const dataset = datasetFromCsv(plan.data, ['x0,x1,x2,y', ...rows].join('\n'))
  return await createTrainer({ model: plan.model, dataset, training: plan.training })
}

/** While there is an attack: four times the opposite of what was learnt. Its evaluations stay honest. */
function turned(trainer: Trainer): Trainer {
  return {
    ...trainer,
    train: async (request) => {
      const result = await trainer.train(request)
      if (!attacking) return result
      return { ...result, weights: result.weights.map((own, i) => 5 * request.weights[i]! - 4 * own) }
    },
  }
}

const gates =
  '[{ metric: auc, min: 0.8, confidence: 0.95 }, { metric: auc, maxDrop: 0.05 }, { size: { maxBytes: 5000 } }]'

/** A run to its end, under this rule. */
async function runWith(rule: string): Promise<RunView> {
  const count = { min: 7, max: 7 }
  const text = planText({ rounds: 3, count, gates, extra: `aggregation: { rule: ${rule} }` })
  const { run } = await started.running.api.startRun(text)
  return await started.view(run)
}

const verdicts = (found: readonly GateVerdict[]) => found.map(({ gate, verdict }) => `${gate}: ${verdict}`)

async function registry(): Promise<{ versions: number[]; aliases: object[]; candidates: { run: string }[] }> {
  const headers = { authorization: `Bearer ${adminToken}` }
  const url = `${started.running.urls.http}/v1/models/tiny`
  const ask = async (path: string) => (await fetch(`${url}${path}`, { headers })).json()
  const { versions, aliases } = (await ask('')) as { versions: { number: number }[]; aliases: object[] }
  const { candidates } = (await ask('/candidates')) as { candidates: { run: string }[] }
  return { versions: versions.map(({ number }) => number), aliases, candidates }
}

test('an honest run is published and taken into use', async () => {
  const { outcome } = await runWith('mean')
  expect(outcome).toMatchObject({ kind: 'published', version: 1 })
  const { versions, aliases } = await registry()
  expect(versions).toEqual([1])
  expect(aliases).toEqual([expect.objectContaining({ alias: 'production', version: 1 })])
})

test('a poisoned run under a rule that withstands nobody publishes nothing, and says by which gate', async () => {
  attacking = true
  const { run, outcome, history } = await runWith('mean')
  // Every update was well formed and was taken: only the gates stand between this model and its users.
  expect(history.map(({ accepted }) => accepted.length)).toEqual([7, 7, 7])
  if (outcome?.kind !== 'rejected') throw new Error(JSON.stringify(outcome))
  expect(verdicts(outcome.gates)).toEqual(['auc-min: fail', 'auc-max-drop: fail', 'size: pass'])
  const [least] = outcome.gates as [GateVerdict]
  expect(least.interval!.low).toBeLessThan(least.bound!)

  const { versions, aliases, candidates } = await registry()
  expect(versions).toEqual([1])
  expect(aliases).toEqual([expect.objectContaining({ alias: 'production', version: 1 })])
  expect(candidates.find((candidate) => candidate.run === run)).toMatchObject({
    passed: false,
    weights: outcome.weights,
    gates: outcome.gates,
  })

  const reading = ['--url', started.running.urls.http, '--token-file', join(folder, 'token')]
  const { stdout } = await inProcess('run', 'status', run, ...reading)
  expect(stdout).toContain('not published: the candidate did not pass its gates')
  const line = stdout.split('\n').find((one) => one.includes('gate auc-min: fail'))!
  expect(line).toContain(`auc ${least.value!.toFixed(4)}`)
  expect(line).toContain('wanted at least 0.8')
  expect(stdout).toMatch(/gate auc-max-drop: fail \(.*at most 0\.05/)
})

test.each([
  ['{ trimmed-mean: { f: 2 } }', 2],
  ['median', 3],
])('under %s the same attackers achieve nothing', async (rule, version) => {
  attacking = true
  const { run, outcome } = await runWith(rule)
  expect(outcome).toMatchObject({ kind: 'published', version })
  const { aliases, candidates } = await registry()
  expect(aliases).toEqual([expect.objectContaining({ alias: 'production', version })])
  expect(candidates.find((candidate) => candidate.run === run)).toMatchObject({ passed: true })
})
