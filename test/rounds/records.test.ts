/** Plans that hide single rows, from end to end: who pays and when, what is told of it, and who stops. */
import { afterEach, describe, expect, test } from 'vitest'
import { chargeRecords } from '../../client/node/charges.ts'
import { memoryLedger, type PrivacyLedger } from '../../client/node/ledger.ts'
import type { ClientOptions } from '../../client/node/options.ts'
import type { Trainer, TrainRequest } from '../../client/training/ports.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { recordPrivacyOf } from '../../core/plan/record-privacy.ts'
import { type Accountant, spent, timesRounds } from '../../core/privacy/index.ts'
import type { TrainConfiguration } from '../../core/run/round-configuration.ts'
import { clientPolicy } from '../../core/secagg/index.ts'
import { addingTrainer, Federation, keyOf } from '../support/federation.ts'
import { planOf, planText } from '../support/plans.ts'

const names = ['a', 'b', 'c']
const rows = { a: 400, b: 100, c: 40 }
// By moments, which take no time.
const unlimited = { epsilon: Number.MAX_VALUE, delta: 1e-5, accountant: 'rdp' } as const

let federation: Federation
afterEach(() => federation.stop())

/** Does as many steps as were paid for. */
function hidingTrainer(train: number, seen: (request: TrainRequest) => void = () => {}): Trainer {
  return addingTrainer(1, {
    hidesRows: true,
    rows: { train, heldOut: 10 },
    train: async (request) => {
      seen(request)
      const weights = request.weights.map((weight) => weight + 1)
      return { weights, samples: train, loss: 0.75, steps: request.records?.steps ?? 1 }
    },
  })
}

type Options = {
  readonly records?: string
  readonly extra?: string
  readonly rounds?: number
  readonly min?: number
  readonly trainer?: (name: keyof typeof rows) => Trainer
  readonly client?: (name: string) => Partial<ClientOptions>
}

async function start({ records = '{ clip: 1, multiplier: 1 }', extra = '', rounds = 2, ...options }: Options) {
  const { min = 3, trainer = (name) => hidingTrainer(rows[name]), client = () => ({}) } = options
  federation = new Federation({ clients: names })
  await federation.coordinator.start()
  for (const name of names) {
    federation.addClient(name, trainer(name as keyof typeof rows), {
      recordLedger: memoryLedger(unlimited),
      ...client(name),
    })
  }
  const privacy = `privacy: { records: ${records} ${extra} }`
  // Everybody is waited for: who declines shall be heard.
  const { run } = await federation.coordinator.startRun(
    planText({ rounds, count: { min, max: 3 }, time: { min: '20s' }, extra: privacy }),
  )
  return { run, view: await federation.view(run) }
}

/** ε of so many rounds at a client with so many rows. */
function cost(train: number, rounds: number, accountant: Accountant = 'rdp'): number {
  const { spend } = recordPrivacyOf(planOf({ extra: 'privacy: { records: { clip: 1, multiplier: 1 } }' }), 4, train)!
  return spent([timesRounds(spend, spend.rounds * rounds)], 1e-5, accountant).epsilon
}

describe('what rows cost', () => {
  test('is told by each client with every update, of the round and of the run, and shown with both', async () => {
    const { view } = await start({ rounds: 3 })
    expect(view.history).toHaveLength(3)
    for (const [i, { records = [] }] of view.history.entries()) {
      expect(records.map(({ client }) => client)).toEqual(names)
      for (const { client, epsilon, epsilonOfRound } of records) {
        const train = rows[client as keyof typeof rows]
        expect(epsilonOfRound).toBeCloseTo(cost(train, 1), 6)
        expect(epsilon).toBeCloseTo(cost(train, i + 1), 6)
      }
    }
    const clients = ['c', 'b', 'a'].map((client) => ({
      client,
      epsilon: expect.closeTo(cost(rows[client as keyof typeof rows], 3), 6) as number,
    }))
    expect(view.records).toEqual({ epsilon: clients[0]!.epsilon, delta: 1e-5, clients })
    expect(view.privacy).toBeUndefined()
    expect(view.outcome).toMatchObject({ kind: 'published' })
  })

  test('is paid for before training begins, and goes to the trainer as it was paid for', async () => {
    const ledger = memoryLedger(unlimited)
    const seen: { readonly request: TrainRequest; readonly paid: number }[] = []
    const trainer = hidingTrainer(100)
    const looking: Trainer = {
      ...trainer,
      train: async (request) => {
        const { entries } = await ledger.read()
        seen.push({ request, paid: entries.flatMap(({ keys }) => keys).length })
        return await trainer.train(request)
      },
    }
    const { run } = await start({
      trainer: (name) => (name === 'a' ? looking : hidingTrainer(rows[name])),
      client: (name) => (name === 'a' ? { recordLedger: ledger } : {}),
    })
    expect(seen.map(({ paid }) => paid)).toEqual([1, 2])
    const { records } = seen[0]!.request
    expect(records).toEqual(
      recordPrivacyOf(planOf({ extra: 'privacy: { records: { clip: 1, multiplier: 1 } }' }), 4, 100),
    )
    const { entries } = await ledger.read()
    expect(entries).toEqual([{ spend: records!.spend, keys: [`${run}/1#1`, `${run}/2#1`] }])
  })

  test('is told under masks too, and nothing else of the client is', async () => {
    const known = Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))
    const masking = { policy: clientPolicy({ known, minimum: 3, minKnown: 3 }) }
    const { view } = await start({
      extra: ', mode: masked, threshold: { dropout: 0 }',
      rounds: 1,
      client: () => ({ masking }),
    })
    expect(view.history[0]!.records).toHaveLength(3)
    expect(view.records!.epsilon).toBeCloseTo(cost(40, 1), 6)
  })

  test('goes together with noise for whole clients: each ledger pays for its own promise', async () => {
    const [whole, single] = [memoryLedger(unlimited), memoryLedger(unlimited)]
    const extra = ', clip: { flat: { norm: 1 } }, noise: { local: { multiplier: 2 } }'
    const { view } = await start({
      extra,
      client: (name) => (name === 'a' ? { ledger: whole, recordLedger: single } : {}),
    })
    const spends = async ({ read }: PrivacyLedger) => (await read()).entries.map(({ spend }) => spend)
    expect(await spends(whole)).toMatchObject([{ sampling: { kind: 'all' } }])
    expect(await spends(single)).toMatchObject([{ sampling: { kind: 'poisson' } }])
    expect(view.privacy!.epsilon).not.toBe(view.records!.epsilon)
  })
})

describe('the training loss', () => {
  test.each([
    ['{ clip: 1, multiplier: 1 }', '0'],
    [undefined, '0.75'],
  ])('with records %s it is sent as %s', async (records, loss) => {
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    for (const name of names) federation.addClient(name, hidingTrainer(100), { recordLedger: memoryLedger(unlimited) })
    const extra = records === undefined ? '' : `privacy: { records: ${records} }`
    const { run } = await federation.coordinator.startRun(planText({ rounds: 1, count: { min: 3, max: 3 }, extra }))
    await federation.view(run)
    const headers: string[] = []
    for (const entry of await federation.store.journal.read(run)) headers.push(JSON.stringify(entry))
    const told = headers.join('').matchAll(/\\?"loss\\?":\\?"([^"\\]*)/g)
    expect(new Set([...told].map(([, value]) => value))).toEqual(new Set([loss]))
  })
})

describe('a client declines', () => {
  const refusals = async (options: Options) => {
    const { view } = await start({ rounds: 1, min: 2, ...options })
    return view.history[0]!.refused.map(({ client, code, message }) => `${client} ${code} ${message}`)
  }

  test('with a trainer that cannot hide rows, or that says nothing of them', async () => {
    const plain = (name: keyof typeof rows) => (name === 'a' ? addingTrainer(1) : hidingTrainer(rows[name]))
    expect(await refusals({ trainer: plain })).toEqual([
      expect.stringMatching(/^a node.plan-refused .*cannot hide single rows/),
    ])
    await federation.stop()
    const { rows: _rows, ...silent } = hidingTrainer(10)
    const without = (name: keyof typeof rows) => (name === 'a' ? silent : hidingTrainer(rows[name]))
    expect(await refusals({ trainer: without })).toEqual([
      expect.stringMatching(/^a node.plan-refused .*how many rows/),
    ])
  })

  test('without a ledger', async () => {
    const { recordLedger: _none, ...nothing } = { recordLedger: undefined }
    federation = new Federation({ clients: names })
    await federation.coordinator.start()
    for (const name of names) {
      federation.addClient(name, hidingTrainer(50), name === 'a' ? nothing : { recordLedger: memoryLedger(unlimited) })
    }
    const text = planText({
      rounds: 1,
      count: { min: 2, max: 3 },
      time: { min: '20s' },
      extra: 'privacy: { records: { clip: 1, multiplier: 1 } }',
    })
    const { run } = await federation.coordinator.startRun(text)
    const { history } = await federation.view(run)
    expect(history[0]!.refused).toMatchObject([{ client: 'a', code: 'node.plan-refused' }])
  })

  test('where δ would allow to publish a row', async () => {
    const records = '{ clip: 1, multiplier: 1, delta: 0.005 }'
    expect(await refusals({ records })).toEqual([
      expect.stringMatching(/^a node.plan-refused .*one row of 400: it must be far below 0.0025/),
    ])
  })

  test('where its trainer takes other steps than were paid for', async () => {
    const hasty = (name: keyof typeof rows): Trainer => {
      const trainer = hidingTrainer(rows[name])
      if (name !== 'a') return trainer
      return { ...trainer, train: async (request) => ({ ...(await trainer.train(request)), steps: 1_000 }) }
    }
    expect(await refusals({ trainer: hasty })).toEqual([expect.stringMatching(/^a client.training-failed/)])
  })

  test('beyond its own budget, and beyond what its policy allows each row', async () => {
    const enough = (cost(400, 1) + cost(400, 2)) / 2
    const own = { epsilon: enough, delta: 1e-5, accountant: 'rdp' } as const
    const { view } = await start({
      rounds: 2,
      min: 2,
      client: (name) => (name === 'a' ? { recordLedger: memoryLedger(own) } : {}),
    })
    expect(view.history.map(({ refused }) => refused.map(({ client, code }) => `${client} ${code}`))).toEqual([
      [],
      ['a privacy.budget-exhausted'],
    ])
    await federation.stop()
    const policy = {
      admit: async () => ({ recordBudget: own, loaded: async () => {}, leave: async () => {} }),
    }
    const limited = await start({ rounds: 2, min: 2, client: (name) => (name === 'a' ? { policy } : {}) })
    expect(limited.view.history.map(({ refused }) => refused.length)).toEqual([0, 1])
  })
})

describe('what a run may cost', () => {
  test('is kept by each client, and the run ends with the best of what there is', async () => {
    // The client with the fewest rows pays most, and stops first; with two of three the rounds go on.
    // What the plan allows counts as tightly as accountants can, whichever tells ε.
    const limit = (cost(100, 2, 'tightest') + cost(100, 3, 'tightest')) / 2
    expect(cost(40, 1, 'tightest')).toBeGreaterThan(limit)
    const { view } = await start({ records: `{ clip: 1, multiplier: 1, epsilon: ${limit} }`, rounds: 50, min: 2 })
    expect(view.history.map(({ accepted }) => accepted.length)).toEqual([2, 2, 0, 0, 0])
    expect(view.records).toMatchObject({ budget: limit })
    expect(view.outcome).toMatchObject({ kind: 'published' })
  })

  test('counts a round that is begun again twice, and the rounds of other runs not at all', async () => {
    federation = new Federation({ clients: names })
    const records = '{ clip: 1, multiplier: 1 }'
    const plan = planOf({ extra: `privacy: { records: ${records} }` })
    const ledger = memoryLedger(unlimited)
    const of = async (run: string, round: number) => {
      const configuration = { run, round, parameters: 4 } as TrainConfiguration
      return (await chargeRecords({ recordLedger: ledger }, plan, configuration, hidingTrainer(100)))!.header
    }
    await of('other', 1)
    expect(Number((await of('run', 1)).epsilon)).toBeCloseTo(cost(100, 1), 6)
    const again = await of('run', 1)
    expect(Number(again.epsilon)).toBeCloseTo(cost(100, 2), 6)
    expect(Number(again.epsilonOfRound)).toBeCloseTo(cost(100, 1), 6)
    expect((await ledger.read()).entries.flatMap(({ keys }) => keys)).toEqual(['other/1#1', 'run/1#1', 'run/1#2'])
  })
})
