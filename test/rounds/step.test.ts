import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { effectsOf } from '../../server/rounds/effect.ts'
import type { RunEvent } from '../../server/rounds/event.ts'
import { settingsOf } from '../../server/rounds/settings.ts'
import type { Collecting, RunState } from '../../server/rounds/state.ts'
import { PATIENCE, step } from '../../server/rounds/step.ts'
import { countsOf } from '../support/federation.ts'
import { type PlanOptions, planOf } from '../support/plans.ts'

const clients = ['a', 'b', 'c', 'd', 'e']
const base = { digest: '00'.repeat(32), bytes: 64 }
const stored = { plan: { digest: '11'.repeat(32), bytes: 9 }, layout: '22'.repeat(32), parameters: 4, maxRefusals: 3 }

function start(options: PlanOptions = {}): RunState {
  return go(undefined, { type: 'started', at: 0, run: 'run_1', settings: settingsOf(planOf(options), stored), base })
}

function go(state: RunState | undefined, ...events: RunEvent[]): RunState {
  for (const event of events) [state] = step(nodeCrypto, state, event)
  return state!
}

const available = (at: number, ...who: string[]): RunEvent => ({
  type: 'clients-available',
  at,
  clients: who,
  entropy: 'e',
})
const tick = (at: number): RunEvent => ({ type: 'time-reached', at })

function accepted(at: number, client: string, round = 1): RunEvent {
  const header: UpdateHeader = {
    v: 1,
    run: 'run_1',
    round,
    client,
    mode: 'sealed',
    model: base.digest,
    layout: stored.layout,
    oneTimeKey: '33'.repeat(32),
    bytes: 32,
    sha256: '44'.repeat(32),
    samples: 10,
    steps: 1,
    loss: '0.5',
  }
  return { type: 'update-accepted', at, round, update: { client, header, signature: '', norm: 1 } }
}

const refused = (at: number, client: string, round = 1): RunEvent => ({
  type: 'update-refused',
  at,
  round,
  client,
  code: 'update.not-finite',
  message: '',
})
const aggregated = (at: number, round = 1, digest = 'cc'.repeat(32)): RunEvent => ({
  type: 'aggregated',
  at,
  round,
  model: { digest, bytes: 64 },
})
const evaluated = (at: number, client: string, round = 1, right = 8): RunEvent => ({
  type: 'evaluated',
  at,
  round,
  result: { client, counts: [countsOf(10, right)] },
})

describe('waiting', () => {
  test('a round opens once the cohort can be filled, and draws only from who is there', () => {
    const waiting = go(start({ count: { min: 2, max: 3 }, time: { min: '10s' } }), available(1, 'a', 'b'))
    expect(waiting.phase).toBe('waiting')
    const open = go(waiting, available(2, 'a', 'b', 'c', 'd'))
    expect(open).toMatchObject({ phase: 'collecting', round: 1, openedAt: 2 })
    expect((open as Collecting).cohort).toHaveLength(3)
  })

  test('after time.min it opens with count.min', () => {
    const waiting = go(start({ count: { min: 2, max: 3 }, time: { min: '10s' } }), available(1, 'a', 'b'))
    expect(go(waiting, tick(9_999)).phase).toBe('waiting')
    expect(go(waiting, tick(10_000))).toMatchObject({ phase: 'collecting', cohort: ['a', 'b'] })
  })

  test('where cohorts are drawn from a population, it waits for all of it, whatever the time', () => {
    const waiting = go(
      start({ count: { min: 2, max: 2 }, time: { min: '10s' }, population: 4 }),
      available(1, 'a', 'b', 'c'),
    )
    expect(go(waiting, tick(60_000)).phase).toBe('waiting')
    expect(go(waiting, available(60_001, 'a', 'b', 'c', 'd'))).toMatchObject({ phase: 'collecting' })
  })

  test('over-selection asks more clients than are needed', () => {
    const open = go(start({ count: { min: 2, max: 4 }, overselect: 0.25 }), available(1, ...clients))
    expect(open).toMatchObject({ cohort: clients })
  })

  test('every client is drawn about equally often', () => {
    const drawn = new Map(clients.map((client) => [client, 0]))
    for (let draw = 0; draw < 500; draw++) {
      const event = { ...available(1, ...clients), entropy: `entropy ${draw}` } as RunEvent
      const { cohort } = go(start({ count: { min: 2, max: 2 } }), event) as Collecting
      for (const client of cohort) drawn.set(client, drawn.get(client)! + 1)
    }
    for (const count of drawn.values()) expect(Math.abs(count - 200)).toBeLessThan(50)
  })
})

describe('collecting', () => {
  const open = () =>
    go(start({ count: { min: 2, max: 3 }, time: { min: '10s', max: '60s' } }), available(0, 'a', 'b', 'c'))

  test.each<[string, RunEvent[], string]>([
    ['count.max closes at once', [accepted(1, 'a'), accepted(2, 'b'), accepted(3, 'c')], 'aggregating'],
    ['count.min does not close before time.min', [accepted(1, 'a'), accepted(2, 'b'), tick(9_999)], 'collecting'],
    ['count.min closes at time.min', [accepted(1, 'a'), accepted(2, 'b'), tick(10_000)], 'aggregating'],
    [
      'the update that reaches count.min after time.min closes',
      [accepted(1, 'a'), tick(10_000), accepted(20_000, 'b')],
      'aggregating',
    ],
    ['fewer than count.min fail at time.max', [accepted(1, 'a'), tick(60_000)], 'waiting'],
    [
      'the last client out closes early',
      [accepted(1, 'a'), accepted(2, 'b'), refused(3, 'c'), refused(4, 'c'), refused(5, 'c')],
      'aggregating',
    ],
    [
      'a quorum out of reach fails early',
      [...[1, 2, 3].map((at) => refused(at, 'b')), ...[4, 5, 6].map((at) => refused(at, 'c'))],
      'waiting',
    ],
  ])('%s', (_name, events, phase) => {
    expect(go(open(), ...events).phase).toBe(phase)
  })

  test('updates of strangers, of other rounds and second ones change nothing', () => {
    const state = go(open(), accepted(1, 'a'))
    expect(go(state, accepted(2, 'd'))).toBe(state)
    expect(go(state, accepted(2, 'b', 2))).toBe(state)
    expect(go(state, accepted(2, 'a'))).toBe(state)
  })

  test('the order of arrival leaves no trace in the state', () => {
    const one = go(open(), accepted(1, 'a'), accepted(1, 'b'), accepted(1, 'c'))
    const other = go(open(), accepted(1, 'c'), accepted(1, 'a'), accepted(1, 'b'))
    expect(other).toEqual(one)
  })
})

test('rounds that fail are repeated under the next number, and after some in a row the run fails by name', () => {
  let state = start({ count: { min: 2, max: 2 }, time: { max: '60s' } })
  for (let failure = 1; failure <= PATIENCE; failure++) {
    expect(state).toMatchObject({ phase: 'waiting', round: failure })
    const at = failure * 100_000
    state = go(state, available(at, 'a', 'b'), tick(at + 60_000))
  }
  expect(state).toMatchObject({ phase: 'over', outcome: { kind: 'failed', code: 'round.quorum' } })
  const why = { code: 'round.quorum', message: '0 of at least 2 updates came' }
  expect(state.history.map(({ failure }) => failure)).toEqual(Array(PATIENCE).fill(why))
})

describe('evaluating', () => {
  const evaluating = () =>
    go(start({ rounds: 1 }), available(0, 'a', 'b'), accepted(1, 'a'), accepted(2, 'b'), aggregated(3))

  test('ends when everybody answered; a candidate that passes its gates is to be published', () => {
    expect(go(evaluating(), evaluated(4, 'a'))).toMatchObject({ phase: 'evaluating' })
    const publishing = go(evaluating(), evaluated(4, 'a'), evaluated(5, 'b'))
    expect(publishing).toMatchObject({ phase: 'publishing', verdicts: [{ verdict: 'pass' }] })
    expect(go(publishing, { type: 'published', at: 6, version: 7 })).toMatchObject({
      phase: 'over',
      outcome: { kind: 'published', version: 7 },
    })
  })

  test('nobody answering is no pass', () => {
    const over = go(evaluating(), tick(700_000))
    expect(over).toMatchObject({
      phase: 'over',
      outcome: { kind: 'rejected', verdicts: [{ verdict: 'not-evaluable' }] },
    })
  })

  test('a gate that fails keeps the candidate from being published, and says so', () => {
    const state = go(
      start({ rounds: 1, gates: '[{ metric: accuracy, min: 0.9 }]' }),
      available(0, 'a', 'b'),
      accepted(1, 'a'),
      accepted(2, 'b'),
      aggregated(3),
      evaluated(4, 'a'),
      evaluated(5, 'b'),
    )
    expect(state).toMatchObject({
      outcome: { kind: 'rejected', verdicts: [{ gate: 'accuracy-min', verdict: 'fail', value: 0.8, bound: 0.9 }] },
    })
  })

  test('a plan without gates publishes nothing', () => {
    const state = go(
      start({ rounds: 1, gates: '[]' }),
      available(0, 'a', 'b'),
      accepted(1, 'a'),
      accepted(2, 'b'),
      aggregated(3),
      evaluated(4, 'a'),
      evaluated(5, 'b'),
    )
    expect(state).toMatchObject({ outcome: { kind: 'rejected', verdicts: [] } })
  })
})

test('a run can be stopped in every phase, and then nothing changes it', () => {
  const path: RunEvent[] = [
    available(0, 'a', 'b'),
    accepted(1, 'a'),
    accepted(2, 'b'),
    aggregated(3),
    evaluated(4, 'a'),
    evaluated(5, 'b'),
  ]
  for (let length = 0; length <= path.length; length++) {
    const stopped = go(start({ rounds: 1 }), ...path.slice(0, length), {
      type: 'stop-requested',
      at: 9,
      reason: 'enough',
    })
    expect(stopped).toMatchObject({ phase: 'over', outcome: { kind: 'stopped', reason: 'enough' } })
    for (const event of path) expect(go(stopped, event)).toBe(stopped)
  }
})

describe('for any events', () => {
  const client = fc.constantFrom(...clients)
  const round = fc.nat(4)
  const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
    fc.uniqueArray(client).map((who) => available(0, ...who)),
    fc.tuple(client, round).map(([who, of]) => accepted(0, who, of)),
    fc.tuple(client, round).map(([who, of]) => refused(0, who, of)),
    fc.constant(tick(0)),
    round.map((of) => aggregated(0, of)),
    fc.tuple(client, round).map(([who, of]) => evaluated(0, who, of)),
    fc.constant<RunEvent>({ type: 'published', at: 0, version: 1 }),
  )
  const history = fc.array(fc.tuple(anyEvent, fc.nat(20_000)), { maxLength: 80 }).map((steps) => {
    let at = 0
    return steps.map(([event, after]): RunEvent => {
      at += after
      return { ...event, at }
    })
  })
  const options = { rounds: 3, count: { min: 2, max: 3 }, time: { min: '5s', max: '30s' } }

  test('a replay of the events that changed the state gives the same state, through JSON', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = start(options)
        const journal: string[] = []
        for (const event of events) {
          const [next] = step(nodeCrypto, state, event)
          if (next !== state) journal.push(JSON.stringify(event))
          state = next!
        }
        expect(go(start(options), ...journal.map((entry) => JSON.parse(entry) as RunEvent))).toEqual(state)
      }),
      { numRuns: 300 },
    )
  })

  test('rounds only grow, nobody counts twice, accepted clients are of the cohort, and nothing is done twice', () => {
    fc.assert(
      fc.property(history, (events) => {
        let state = start(options)
        for (const event of events) {
          const [next, effects] = step(nodeCrypto, state, event)
          expect(next!.round).toBeGreaterThanOrEqual(state.round)
          if (effects.length > 0) expect(effects).toEqual(effectsOf(next!))
          if (next === state) expect(effects).toEqual([])
          if ('accepted' in next!) {
            const who = next.accepted.map((update) => update.client)
            expect(new Set(who).size).toBe(who.length)
            expect(who.every((one) => next.cohort.includes(one))).toBe(true)
            expect(who.length).toBeLessThanOrEqual(options.count.max)
          }
          for (const record of next!.history) {
            if (record.model !== undefined) expect(record.accepted.length).toBeGreaterThanOrEqual(options.count.min)
          }
          state = next!
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('a plan that waits for people at clients', () => {
  const held = (at: number, client: string, round = 1): RunEvent => ({
    type: 'declined',
    at,
    round,
    kind: 'train',
    client,
    code: 'node.plan-held',
    message: '',
  })

  test('opens rounds without them as soon as the others are there', () => {
    const waiting = start({ count: { min: 1, max: 3 }, time: { min: '10s' } })
    const event = { ...available(1, 'a', 'b'), holding: 1 } as RunEvent
    expect(go(waiting, event)).toMatchObject({ phase: 'collecting', cohort: ['a', 'b'] })
    expect(go(waiting, available(1, 'a', 'b')).phase).toBe('waiting')
    const few = { ...available(1, 'a'), holding: 9 } as RunEvent
    expect(go(start({ count: { min: 2, max: 3 }, time: { min: '10s' } }), few).phase).toBe('waiting')
  })

  test('never fails because of them, and fails because of others', () => {
    let run = start({ count: { min: 2, max: 2 } })
    for (let round = 1; round <= PATIENCE + 2; round++) {
      run = go(run, available(round, 'a', 'b'), held(round, 'a', round), held(round, 'b', round))
      expect(run).toMatchObject({ phase: 'waiting', failures: 0, round: round + 1 })
    }
    const failed = (client: string, round: number) => ({
      ...held(round, client, round),
      code: 'client.training-failed',
    })
    for (let round = PATIENCE + 3; run.phase !== 'over'; round++) {
      run = go(run, available(round, 'a', 'b'), failed('a', round) as RunEvent, held(round, 'b', round))
      expect(round).toBeLessThan(2 * PATIENCE + 3)
    }
    expect(run).toMatchObject({ outcome: { kind: 'failed', code: 'round.quorum' } })
  })
})

describe('a pause', () => {
  const pause = (at: number): RunEvent => ({ type: 'pause-requested', at, reason: 'a question' })
  const resume = (at: number): RunEvent => ({ type: 'resume-requested', at })
  const started = () => start({ rounds: 2, count: { min: 2, max: 2 }, time: { min: '10s' } })

  test('keeps a run from opening a round, whatever comes, and arms nothing', () => {
    const [state, effects] = step(nodeCrypto, started(), pause(1))
    expect(state).toMatchObject({ phase: 'waiting', paused: { at: 1, reason: 'a question' } })
    expect([effects, effectsOf(state!)]).toEqual([[], []])
    expect(go(state, available(2, 'a', 'b'), tick(60_000), pause(60_001))).toBe(state)
  })

  test('ends with a wait for clients that begins anew', () => {
    const waiting = go(started(), pause(1))
    const [state, effects] = step(nodeCrypto, waiting, resume(50_000))
    expect(state).toMatchObject({ phase: 'waiting', since: 50_000 })
    expect(state).not.toHaveProperty('paused')
    expect(effects).toEqual([{ type: 'arm', at: 60_000 }, { type: 'seek-clients' }])
    expect(go(state, available(50_001, 'a', 'b')).phase).toBe('collecting')
  })

  test('lets an open round come to its end, with all that it has, and holds the next', () => {
    const open = go(started(), available(0, 'a', 'b'), accepted(1, 'a'))
    const [state, effects] = step(nodeCrypto, open, pause(2))
    // Nothing is offered again, which would throw uploads away that are under way.
    expect(effects).toEqual([])
    const next = go(state, accepted(3, 'b'), aggregated(4), evaluated(4, 'a'), evaluated(4, 'b'))
    expect(next).toMatchObject({ phase: 'waiting', round: 2, completed: 1, paused: { at: 2 } })
    expect(go(next, available(5, 'a', 'b'))).toBe(next)
    expect(go(next, resume(6), available(7, 'a', 'b'))).toMatchObject({ phase: 'collecting', round: 2 })
  })

  test('is over before its round was: as if it had never been asked for', () => {
    const open = go(started(), available(0, 'a', 'b'))
    expect(go(open, pause(1), resume(2))).toEqual(open)
    expect(go(open, resume(1))).toBe(open)
  })

  test('does not keep a run from being stopped, and a run that is over does not pause', () => {
    const over = go(started(), pause(1), { type: 'stop-requested', at: 2, reason: 'enough' })
    expect(over).toMatchObject({ phase: 'over', outcome: { kind: 'stopped' } })
    expect(go(over, pause(3), resume(4))).toBe(over)
  })
})
