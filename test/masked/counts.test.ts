/** Evaluations of which nobody but the client itself sees its counts. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Trainer } from '../../client/training/ports.ts'
import { type Envelope, type PayloadType, payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import type { GroupedCounts } from '../../core/metrics/groups.ts'
import { decodeFrame, encodeFrame } from '../../core/wire/frame.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { checkScenario, simulate } from '../../sim/index.ts'
import { groupOf, outcomes } from '../gates/figures.ts'
import { addingTrainer, countsOf, Federation, keyOf } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { maskingOf, Recorder, stepOf } from '../support/masking.ts'
import { planText } from '../support/plans.ts'

const names = ['a', 'b', 'c', 'd'] as const
type Name = (typeof names)[number]

const planOf = ({
  rounds = 1,
  min = 4,
  evaluation = '',
  gates = '[{ metric: accuracy, min: 0.3 }]',
  mode = 'masked',
} = {}) =>
  planText({
    rounds,
    count: { min, max: 4 },
    time: { min: '1s' },
    gates,
    extra: `privacy: { mode: ${mode}, threshold: { dropout: 0 }, steps: 2s }\nevaluation: { counts: masked, window: { time: { min: 0s, max: 2s } }${evaluation} }`,
  })

let federation: Federation
afterEach(() => federation.stop())

type Changed = Partial<Record<Name, Partial<Trainer>>>

async function started(changed: Changed = {}, store?: Store): Promise<Federation> {
  federation = new Federation({ ...(store === undefined ? {} : { store }) })
  await federation.coordinator.start()
  for (const name of names) federation.addClient(name, trainerOf(name, changed[name]), maskingOf(names))
  return federation
}

const trainerOf = (name: Name, changed: Partial<Trainer> = {}) =>
  addingTrainer(0.1, { evaluate: async () => countsOf(10 * (1 + names.indexOf(name)), 8), ...changed })

const journalOf = (run: string) => federation.store.journal.read(run)

describe('masked counts', () => {
  test('come out as one sum, on which gates are decided, and no client’s are anywhere', async () => {
    await started()
    const { run } = await federation.coordinator.startRun(planOf({ rounds: 2 }))
    const view = await federation.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    for (const round of view.history) {
      expect(round).toMatchObject({ summed: [...names], clients: [], pooled: { rows: 100 } })
      expect(round.unevaluated).toBeUndefined()
    }
    const said = (await journalOf(run)).filter((entry) => entry.includes('truePositives'))
    expect(said.map((entry) => (JSON.parse(entry) as { type: string }).type)).toEqual([
      'counts-opened',
      'counts-opened',
    ])
    expect(federation.fatal).toEqual([])
  })

  test('of groups come out by group', async () => {
    const counts = outcomes({ tp: 10, fp: 10, tn: 10, fn: 10 })
    const all: GroupedCounts = {
      counts,
      groups: [groupOf('female', { tp: 5, tn: 10 }), groupOf('male', { tp: 5, fp: 10, fn: 10 })],
      withheld: [],
      lacking: [],
    }
    const some: GroupedCounts = { ...all, groups: all.groups.slice(0, 1), withheld: [{ by: 'sex', group: 'male' }] }
    await started(
      Object.fromEntries(names.map((name, i) => [name, { evaluateGroups: async () => (i === 0 ? some : all) }])),
    )
    const evaluation = ', minGroup: 5, groups: { sex: { column: sex, values: { female: [0], male: [1] } } }'
    const { run } = await federation.coordinator.startRun(
      planOf({
        evaluation,
        gates: '[{ metric: accuracy, min: 0.9, on: worst-group, groupBy: sex }]',
      }).replace('label: {', 'header: true\n    label: {'),
    )
    const view = await federation.view(run)
    expect(view.history[0]?.groups).toMatchObject([
      { group: 'female', clients: 4, metrics: { rows: 60, accuracy: 1 } },
      { group: 'male', clients: 3, metrics: { rows: 75, accuracy: 0.2 } },
    ])
    expect(view.outcome).toMatchObject({ kind: 'rejected', gates: [{ verdict: 'fail', value: 0.2 }] })
  })

  test('a client that leaves is missing in the sum, and no more', async () => {
    const gone = new Promise<never>(() => {})
    await started({ d: { evaluate: () => gone } })
    const { run } = await federation.coordinator.startRun(planOf({ min: 3 }))
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({ summed: ['a', 'b', 'c'], pooled: { rows: 60 } })
    expect(view.outcome).toMatchObject({ kind: 'published' })
  })

  test('too few make no sum: nothing is known, and nothing is published', async () => {
    const gone = new Promise<never>(() => {})
    await started({ c: { evaluate: () => gone }, d: { evaluate: () => gone } })
    const { run } = await federation.coordinator.startRun(planOf({ min: 3 }))
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({
      clients: [],
      unevaluated: { code: 'masking.failed', message: 'step input: too few clients, 2 of at least 3' },
    })
    expect(view.history[0]?.pooled).toBeUndefined()
    expect(view.outcome).toMatchObject({ kind: 'rejected', gates: [{ verdict: 'not-evaluable' }] })
  })

  test('a client that fails to evaluate is not waited for', async () => {
    await started({ d: { evaluate: () => Promise.reject(new Error('no data')) } })
    const { run } = await federation.coordinator.startRun(planOf({ min: 3 }).replace('max: 2s', 'max: 1h'))
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({ summed: ['a', 'b', 'c'] })
  })

  test('counts that no honest clients have spoil the sum, and nothing is published', async () => {
    await started({ b: { evaluate: async () => ({ ...countsOf(10, 8), truePositives: 900_000 }) } })
    const { run } = await federation.coordinator.startRun(planOf())
    const view = await federation.view(run)
    expect(view.history[0]?.unevaluated?.message).toBe(
      'the sum of the counts is of no honest clients: the four outcomes do not add up to rows',
    )
    expect(view.outcome).toMatchObject({ kind: 'rejected' })
  })

  test('are what the same run in the clear counts', async () => {
    await started()
    const scenario = (counts: string) =>
      checkScenario({
        scenario: 1,
        plan: {
          parley: 1,
          name: 'masked-blobs',
          model: { logistic: {} },
          data: {
            csv: {
              columns: [
                ...Array.from({ length: 4 }, (_, i) => ({ name: `x${i}`, type: 'number' })),
                { name: 'y', type: 'label' },
              ],
              label: { positive: { above: 0 } },
            },
          },
          training: { epochs: 1, batch: 16, optimizer: { sgd: { learningRate: 0.2 } } },
          rounds: 2,
          window: { count: { min: 6, max: 6 } },
          privacy: { mode: 'masked', threshold: { dropout: 0.3 } },
          evaluation: { counts },
        },
        world: { clients: 6, data: { generated: { blobs: { rows: 600, inputs: 4, classes: 2 } } }, seed: 5 },
      })
    const [clear, masked] = await Promise.all([
      simulate(scenario('clear'), { workers: 0 }),
      simulate(scenario('masked'), { workers: 0 }),
    ])
    expect(masked.rounds.map(({ unevaluated }) => unevaluated)).toEqual([undefined, undefined])
    // After the first round the models differ by what rounding draws.
    expect(masked.rounds[0]?.pooled).toEqual(clear.rounds[0]?.pooled)
    expect(masked.rounds[1]?.pooled?.loss).toBeCloseTo(clear.rounds[1]?.pooled?.loss ?? 0, 5)
    expect(masked.rounds.every(({ summed, clients }) => summed?.length === 6 && clients.length === 0)).toBe(true)
  })
})

describe('a client that sends something else than its masked counts', () => {
  type Report = { vector: string; models: string[] }
  const signed = (type: PayloadType, value: object) => signBytes(keyOf('d'), type, utf8(canonicalJsonOfDefined(value)))

  test.each<[string, string, (report: Report) => Envelope]>([
    [
      'counts in the clear',
      'evaluation.invalid: counts of this plan are masked',
      ({ vector: _, models, ...head }) =>
        signed(payloadTypes.evaluation, {
          ...head,
          results: models.map((model) => ({ model, counts: countsOf(10, 8) })),
        }),
    ],
    [
      'other lanes than it announced',
      'update.late: these counts were not announced, or others were',
      (report) => signed(payloadTypes.maskedEvaluation, { ...report, vector: `AAAA${report.vector.slice(4)}` }),
    ],
    [
      'too few lanes',
      'evaluation.invalid: masked counts have',
      (report) => signed(payloadTypes.maskedEvaluation, { ...report, vector: 'AAAAAAAA' }),
    ],
    [
      'counts of another model',
      'update.stale: other models were evaluated',
      (report) => signed(payloadTypes.maskedEvaluation, { ...report, models: ['00'.repeat(32)] }),
    ],
    [
      'counts of another client',
      'auth.identity-mismatch',
      (report) => signed(payloadTypes.maskedEvaluation, { ...report, client: 'c' }),
    ],
  ])('%s', async (_, refusal, forged) => {
    federation = new Federation()
    await federation.coordinator.start()
    for (const name of names.slice(0, 3)) federation.addClient(name, trainerOf(name), maskingOf(names))
    const refusals: string[] = []
    federation.addClient('d', trainerOf('d'), {
      ...maskingOf(names),
      dials: [
        async (signal) => {
          const connection = await federation.dial(signal)
          const send = async (bytes: Uint8Array) => {
            const frame = decodeFrame(bytes)
            if (frame.type !== 'evaluation') return connection.send(bytes)
            const report = JSON.parse(fromUtf8(frame.report!.payload)) as Report
            return connection.send(encodeFrame({ type: 'evaluation', report: forged(report) }))
          }
          const { carrier, remote, closed } = connection
          const frames = {
            async *[Symbol.asyncIterator]() {
              for await (const bytes of connection.frames) {
                const frame = decodeFrame(bytes)
                if (frame.type === 'receipt' && !frame.accepted) refusals.push(`${frame.code}: ${frame.message}`)
                yield bytes
              }
            },
          }
          const [close, destroy] = [connection.close.bind(connection), connection.destroy.bind(connection)]
          return { carrier, remote, closed, frames, send, close, destroy }
        },
      ],
    })
    const { run } = await federation.coordinator.startRun(planOf({ min: 3 }))
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({ summed: ['a', 'b', 'c'], pooled: { rows: 60 } })
    const entries = await journalOf(run)
    expect(entries.some((entry) => entry.includes('"counts-masked"') && entry.includes('"client":"d"'))).toBe(false)
    expect(refusals.join('\n')).toContain(refusal)
  })
})

describe('a coordinator that goes away in the middle of masked counts goes on', () => {
  test.each(['advertise', 'share', 'input', 'survivors', 'unmask'])('in step %s', async (step) => {
    const store = memoryStore()
    const open = () => ({ ...store, close: async () => {} })
    federation = new Federation({ store: open() })
    await federation.coordinator.start()
    const recorder = new Recorder()
    const lost = gate()
    let waiting = names.length
    let evaluating = false
    recorder.lost = (_client, frame) => {
      if (frame.type === 'maskingAnswer' && evaluating && stepOf(frame) === step) {
        if (--waiting === 0) lost.open()
        return true
      }
      return step === 'input' && evaluating && frame.type === 'evaluation'
    }
    let dial = federation.dial
    const clients = new Federation({ store: open() })
    const evaluate = (name: Name) => async () => countsOf(10 * (1 + names.indexOf(name)), 8)
    for (const name of names) {
      clients.addClient(name, addingTrainer(0.1, { evaluate: evaluate(name) }), {
        ...maskingOf(names),
        dials: [(signal) => recorder.over(name, dial)(signal)],
        onEvent: (event) => {
          if (event.type === 'task' && event.kind === 'evaluate') evaluating = true
        },
      })
    }
    const { run } = await federation.coordinator.startRun(planOf().replaceAll('steps: 2s', 'steps: 1h'))
    await lost.opened
    recorder.cut()
    await federation.coordinator.stop()
    federation = new Federation({ store: open() })
    dial = federation.dial
    await federation.coordinator.start()
    recorder.mend()
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({ summed: [...names], pooled: { rows: 100 } })
    expect(view.outcome).toMatchObject({ kind: 'published' })
    await clients.stop()
  })

  test('but a client that restarts gives the counts of a round no second time', async () => {
    federation = new Federation()
    await federation.coordinator.start()
    const memory = new Map<string, number>()
    const remembering = {
      memory: {
        last: async (run: string) => memory.get(run),
        remember: async (run: string, round: number) => void memory.set(run, round),
      },
    }
    const evaluating = gate()
    for (const name of names.slice(0, 3)) federation.addClient(name, trainerOf(name), maskingOf(names))
    const gone = new Promise<never>(() => {})
    const first = federation.addClient(
      'd',
      trainerOf('d', {
        evaluate: () => {
          evaluating.open()
          return gone
        },
      }),
      { ...maskingOf(names), ...remembering },
    )
    const { run } = await federation.coordinator.startRun(planOf({ min: 3 }).replace('max: 2s', 'max: 1h'))
    await evaluating.opened
    await first.node.stop()
    const second = federation.addClient('d', trainerOf('d'), { ...maskingOf(names), ...remembering })
    const view = await federation.view(run)
    expect(view.history[0]).toMatchObject({ summed: ['a', 'b', 'c'] })
    expect(second.events.find(({ type }) => type === 'declined')).toMatchObject({
      kind: 'evaluate',
      error: { code: 'masking.refused' },
    })
  })
})
