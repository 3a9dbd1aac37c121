/** What a client accepts is its own decision; nothing is made or sent before it has decided. */
import { describe, expect, test } from 'vitest'
import {
  advertise,
  type ClientPolicy,
  clientPolicy,
  regularGraph,
  type SessionConfiguration,
} from '../../../core/secagg/index.ts'
import { signMessage } from '../../../core/secagg/messages.ts'
import { contextOf, identitiesOf, keyOf, nameOf, namesOf } from './session.ts'
import { configurationOf } from './support.ts'

const known = identitiesOf(namesOf(20))
const twenty = {
  cohort: 20,
  minimum: 16,
  threat: { corrupted: 0.1, dropouts: 0.1, server: 'semi-malicious' },
  graph: { kind: 'complete', threshold: 12 },
} as const satisfies Partial<SessionConfiguration>

const answer = (change: object, policy: Partial<ClientPolicy> = {}, signer = 'coordinator') => {
  const configuration = { ...configurationOf(twenty), ...change }
  const envelope = signMessage(keyOf(signer), 'configuration', configuration)
  const expected = {
    client: nameOf(0),
    coordinatorKey: keyOf('coordinator').publicKey,
    task: 'run-1',
    model: configuration.model,
    coordinates: 9,
    lastRound: 6,
  }
  let drawn = 0
  const result = advertise(
    contextOf(nameOf(0), { ...clientPolicy({ known }), ...policy }),
    envelope,
    expected,
    (length) => {
      drawn++
      return new Uint8Array(length).fill(drawn)
    },
  )
  if (!result.ok) expect(drawn).toBe(0)
  return result.ok ? 'accepted' : result.refusal.reason
}

test('the configuration that these tests change is accepted', () => {
  expect(answer({})).toBe('accepted')
  expect(answer({ buckets: { size: 8, minSurvivors: 5 }, weight: { min: 1, max: 1 } })).toBe('accepted')
})

describe('pitfall 7: what the coordinator would like to choose', () => {
  test.each<[string, object, string]>([
    ['t = 1', { graph: { kind: 'complete', threshold: 1 } }, 'policy-graph'],
    ['t one too small', { graph: { kind: 'complete', threshold: 11 } }, 'policy-graph'],
    ['t one too large', { graph: { kind: 'complete', threshold: 13 } }, 'policy-graph'],
    ['k = 2', { graph: { kind: 'regular', degree: 2, threshold: 2 } }, 'policy-graph'],
    ['n = 3', { cohort: 3, minimum: 3, graph: { kind: 'complete', threshold: 3 } }, 'policy-cohort'],
    ['sums of 15', { minimum: 15 }, 'policy-cohort'],
    [
      'an honest coordinator assumed',
      { threat: { ...twenty.threat, server: 'semi-honest' }, graph: { kind: 'complete', threshold: 3 } },
      'policy-threat',
    ],
    ['no coordinator assumed', { threat: { ...twenty.threat, server: 'none' } }, 'malformed'],
    ['R = 2^8', { modulusBits: 8 }, 'malformed'],
    ['c = 1e9', { clip: 1e9 }, 'policy-encoding'],
    ['two bits', { bits: 2 }, 'policy-encoding'],
    ['weights up to 10^6', { bits: 4, weight: { min: 1, max: 1_000_000 } }, 'policy-encoding'],
    ['room for wrap-around', { bits: 24 }, 'malformed'],
    ['65 extras', { extras: Array.from({ length: 65 }, (_, i) => ({ name: `x${i}`, max: 1 })) }, 'policy-encoding'],
    ['buckets of one', { buckets: { size: 1, minSurvivors: 1 }, weight: { min: 1, max: 1 } }, 'policy-buckets'],
    ['buckets of seven', { buckets: { size: 7, minSurvivors: 5 }, weight: { min: 1, max: 1 } }, 'policy-buckets'],
    [
      'buckets opened for four',
      { buckets: { size: 8, minSurvivors: 4 }, weight: { min: 1, max: 1 } },
      'policy-buckets',
    ],
    ['weights in buckets', { buckets: { size: 8, minSurvivors: 5 } }, 'malformed'],
    ['another task', { task: 'run-2' }, 'wrong-task'],
    ['another number of coordinates', { coordinates: 10 }, 'wrong-task'],
    ['an answered round', { round: 6 }, 'old-round'],
    ['an unknown field', { secret: 1 }, 'malformed'],
    ['another protocol', { protocol: 'parley/secagg/2' }, 'malformed'],
  ])('%s', (_, change, reason) => {
    expect(answer(change)).toBe(reason)
  })

  test('a configuration that somebody else signed', () => {
    expect(answer({}, {}, 'mallory')).toBe('malformed')
  })

  test('infeasible assumptions', () => {
    expect(
      answer({
        threat: { corrupted: 0.5, dropouts: 0.4, server: 'malicious' },
        graph: { kind: 'complete', threshold: 16 },
      }),
    ).toBe('policy-graph')
  })

  test('too little corruption assumed, where the client insists', () => {
    expect(answer({}, { corrupted: 0.2 })).toBe('policy-threat')
  })
})

describe('a sparse graph', () => {
  const threat = { corrupted: 0.05, dropouts: 0.05, server: 'semi-malicious' } as const
  const of = (
    cohort: number,
    server: 'semi-malicious' | 'malicious' = 'semi-malicious',
    beacon: string | null = null,
  ) => {
    const choice = regularGraph({ clients: cohort, ...threat, server })
    if (!choice.ok) throw new Error(choice.why)
    return { cohort, threat: { ...threat, server }, graph: choice.graph, beacon }
  }

  test('is refused for small cohorts, whatever the policy says, and taken for large ones', () => {
    expect(answer(of(64), { completeUpTo: 0 })).toBe('policy-graph')
    expect(answer(of(100))).toBe('policy-graph')
    expect(answer(of(100), { completeUpTo: 64 })).toBe('accepted')
    expect(answer({ ...of(300) })).toBe('accepted')
    expect(answer({ ...of(300), graph: { kind: 'regular', degree: 12, threshold: 6 } })).toBe('policy-graph')
  })

  test('needs a beacon against a coordinator that always lies', () => {
    expect(answer(of(300, 'malicious'))).toBe('policy-graph')
    expect(answer(of(300, 'malicious', 'drand'))).toBe('accepted')
  })
})

test('a policy cannot be lowered to where nobody is hidden', () => {
  expect(() => clientPolicy({ known, minimum: 2 })).toThrow(RangeError)
  expect(() => clientPolicy({ known, buckets: { minSurvivors: 1 } })).toThrow(RangeError)
  expect(() => clientPolicy({ known, buckets: { minSize: 1 } })).toThrow(RangeError)
  expect(clientPolicy({ known, minimum: 3 }).minKnown).toBe(3)
})
