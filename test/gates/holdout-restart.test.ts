import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdoutEvaluator } from '../../client/training/holdout.ts'
import type { Holdout } from '../../core/run/holdout.ts'
import type { RunView } from '../../core/run/view.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { addingTrainer, countsOf, Federation } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { planText } from '../support/plans.ts'

let folder: string
let stops: (() => Promise<void>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-holdout-restart-'))
  await writeFile(join(folder, 'rows.csv'), `x0,x1,x2,y\n${'3,0,0,1\n-3,0,0,0\n'.repeat(20)}-3,0,0,1\n`)
  stops = []
})
afterEach(async () => {
  for (const stop of stops.reverse()) await stop()
  await rm(folder, { recursive: true, force: true })
})

const plan = planText({ rounds: 1, gates: '[{ metric: accuracy, on: holdout, min: 0.9 }]' })

/** Rows of the coordinator, counting how often a model is evaluated on them. */
function counting(): Holdout & { evaluated: number } {
  const own = holdoutEvaluator({ holdout: { csv: join(folder, 'rows.csv') } })
  const counted = {
    ...own,
    evaluated: 0,
    evaluate: async (...request: Parameters<Holdout['evaluate']>) => {
      counted.evaluated++
      return await own.evaluate(...request)
    },
  }
  return counted
}

/** A coordinator over the store in this folder, until it goes away. */
async function begin(holdout?: Holdout): Promise<{ federation: Federation; end: () => Promise<void> }> {
  const store = await openDurableStore({ folder: join(folder, 'store') })
  const federation = new Federation({ store, ...(holdout === undefined ? {} : { holdout }) })
  let ended = false
  const end = async () => {
    if (ended) return
    ended = true
    // What was under way is not waited for: nothing is written any more when the store is closed.
    await federation.coordinator.stop()
    await federation.stop()
  }
  stops.push(end)
  await federation.coordinator.start()
  return { federation, end }
}

function addClients(federation: Federation, evaluate = async () => countsOf(10, 1)): void {
  for (const name of ['a', 'b']) federation.addClient(name, addingTrainer(1, { evaluate }))
}

const evaluating = ({ phase }: RunView) => phase === 'evaluating'

test('a coordinator that goes away while clients evaluate has its own counts in the journal, and comes to the same verdict', async () => {
  const [before, after] = [counting(), counting()]
  const first = await begin(before)
  addClients(first.federation, () => new Promise(() => {}))
  const { run } = await first.federation.coordinator.startRun(plan)
  await first.federation.view(run, evaluating)
  await first.end()
  // Other rows since: those that were counted decide.
  await writeFile(join(folder, 'rows.csv'), `x0,x1,x2,y\n${'3,0,0,0\n-3,0,0,1\n'.repeat(20)}`)
  const second = await begin(after)
  addClients(second.federation)
  const { outcome, history } = await second.federation.view(run)
  expect([before.evaluated, after.evaluated]).toEqual([1, 0])
  expect(outcome).toMatchObject({
    kind: 'published',
    gates: [{ verdict: 'pass', value: 40 / 41, n: 41, holdout: { rows: 41, looks: 1 } }],
  })
  expect(history).toMatchObject([{ pooled: { accuracy: 0.1 }, holdout: { looks: 1 } }])
  await second.end()
  const third = await begin(after)
  const again = await third.federation.coordinator.run(run)
  expect(again.outcome).toEqual(outcome)
  expect(again.history).toEqual(history)
})

test('looks of runs that were stopped count, also after a restart', async () => {
  const first = await begin(counting())
  addClients(first.federation, () => new Promise(() => {}))
  const { run } = await first.federation.coordinator.startRun(plan)
  await first.federation.view(run, evaluating)
  await first.federation.coordinator.stopRun(run, 'enough')
  await first.end()
  const second = await begin(counting())
  addClients(second.federation)
  const { run: next } = await second.federation.coordinator.startRun(plan)
  expect((await second.federation.view(next)).outcome).toMatchObject({ gates: [{ holdout: { looks: 2 } }] })
})

test('a coordinator that comes back without its rows cannot decide the gate, and says why', async () => {
  const first = await begin(counting())
  const held = gate()
  const trainer = addingTrainer(1)
  for (const name of ['a', 'b']) {
    first.federation.addClient(name, {
      ...trainer,
      train: async (request) => {
        await held.opened
        return await trainer.train(request)
      },
    })
  }
  const { run } = await first.federation.coordinator.startRun(plan)
  await first.federation.view(run, ({ phase }) => phase === 'collecting')
  await first.end()
  held.open()
  const second = await begin()
  addClients(second.federation)
  const { outcome } = await second.federation.view(run)
  expect(outcome).toMatchObject({ kind: 'rejected', gates: [{ verdict: 'not-evaluable', value: null }] })
  expect(JSON.stringify(outcome)).toContain('start it with --holdout-data')
})

test('rows that cannot be evaluated leave the round its model, and the gate undecided', async () => {
  const broken: Holdout = {
    ...counting(),
    evaluate: async () => {
      throw new Error('the engine is gone')
    },
  }
  const { federation } = await begin(broken)
  addClients(federation)
  const { run } = await federation.coordinator.startRun(plan)
  const { outcome, history } = await federation.view(run)
  expect(outcome).toMatchObject({ kind: 'rejected', gates: [{ verdict: 'not-evaluable' }] })
  expect(history).toMatchObject([
    { pooled: { accuracy: 0.1 }, holdout: { failure: expect.stringContaining('internal') } },
  ])
})
