import { describe, expect, it } from 'vitest'
import {
  type ApprovalFacts,
  approvalPayload,
  approvalsProblem,
  readApproval,
} from '../../../core/attestation/approval.ts'
import {
  LISTED_UPDATES,
  type ProvenanceFacts,
  provenancePayload,
  provenanceProblem,
  readProvenance,
} from '../../../core/attestation/provenance.ts'
import { resourceDescriptorSchema } from '../../../core/attestation/statement.ts'
import { readTestResult, testResultPayload } from '../../../core/attestation/test-result.ts'
import { timestampField, timestampOf } from '../../../core/attestation/time.ts'
import { fromUtf8, utf8 } from '../../../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../../../core/encoding/canonical-json.ts'

const digest = (letter: string) => letter.repeat(64)
const invalid = expect.objectContaining({ code: 'request.invalid' })
const unverified = expect.objectContaining({ code: 'verify.failed' })

const facts: ProvenanceFacts = {
  model: 'heart',
  weights: digest('a'),
  root: digest('b'),
  plan: digest('c'),
  launchedBy: 'member-1',
  coordinatorVersion: '0.1.0',
  mode: 'sealed',
  kernels: digest('d'),
  base: { name: 'heart/2', root: digest('e') },
  updates: { kind: 'updates', updates: [{ round: 3, client: 'site-1', digest: digest('f') }] },
  evaluationData: [{ name: 'holdout', digest: digest('1') }],
  trainers: [{ name: 'site-1', digest: digest('2') }],
  builder: 'https://parley.example/federation',
  parleyVersion: '0.1.0',
  run: 'run_1',
  startedOn: '2026-01-02T03:04:05Z',
  finishedOn: '2026-01-02T04:04:05Z',
  journal: digest('3'),
  audit: { sequence: 17, head: digest('4') },
  rejectedUpdates: digest('5'),
}

/** The payload with the value at a path replaced; undefined removes it. */
function changed(payload: Uint8Array, path: readonly string[], value: unknown): Uint8Array {
  const statement = JSON.parse(fromUtf8(payload))
  let at = statement
  for (const key of path.slice(0, -1)) at = at[key]
  at[path.at(-1)!] = value
  return utf8(canonicalJson(JSON.parse(JSON.stringify(statement)) as CanonicalValue))
}

describe('a provenance', () => {
  it('says of both digests how they were made, in canonical JSON', () => {
    const payload = provenancePayload(facts)
    const { subject, predicateType, predicate } = readProvenance(payload)
    expect(predicateType).toBe('https://slsa.dev/provenance/v1')
    expect(subject).toEqual([
      { name: 'model.safetensors', digest: { sha256: digest('a') } },
      { name: 'heart', digest: { sha256: digest('b') } },
    ])
    expect(predicate.buildDefinition.externalParameters).toEqual({
      plan: digest('c'),
      model: 'heart',
      launchedBy: 'member-1',
    })
    expect(predicate.buildDefinition.resolvedDependencies).toContainEqual({
      uri: 'update:3/site-1',
      digest: { sha256: digest('f') },
    })
    expect(predicate.runDetails.byproducts).toContainEqual({
      name: 'audit-checkpoint',
      digest: { sha256: digest('4') },
      annotations: { sequence: 17 },
    })
    expect(canonicalJson(JSON.parse(fromUtf8(payload)))).toBe(fromUtf8(payload))
  })

  it('names a file where there are too many updates, and sums where single ones are masked', () => {
    const updates = Array.from({ length: LISTED_UPDATES + 1 }, (_, i) => ({
      round: 1,
      client: `site-${i}`,
      digest: digest('f'),
    }))
    expect(() => provenancePayload({ ...facts, updates: { kind: 'updates', updates } })).toThrow(invalid)
    const listed = provenancePayload({ ...facts, updates: { kind: 'list', count: 1_001, digest: digest('6') } })
    expect(readProvenance(listed).predicate.buildDefinition.resolvedDependencies).toContainEqual({
      name: 'updates',
      digest: { sha256: digest('6') },
      annotations: { count: 1_001 },
    })
    const sums = { kind: 'sums', sums: [{ round: 1, group: 'g1', digest: digest('7') }], roster: digest('8') } as const
    expect(() => provenancePayload({ ...facts, updates: sums })).toThrow(invalid)
    expect(() => provenancePayload({ ...facts, mode: 'masked' })).toThrow(invalid)
    const masked = readProvenance(provenancePayload({ ...facts, mode: 'masked', updates: sums }))
    expect(masked.predicate.buildDefinition.resolvedDependencies).toContainEqual({
      uri: 'sum:1/g1',
      digest: { sha256: digest('7') },
    })
  })

  it.each<[string, Partial<ProvenanceFacts>]>([
    ['a digest that is none', { weights: 'x' }],
    ['a time that there is not', { startedOn: '2026-02-30T00:00:00Z' }],
    ['a time with milliseconds', { startedOn: '2026-02-01T00:00:00.000Z' }],
    ['a builder that is no URI', { builder: 'us' }],
    [
      'a client with a slash',
      { updates: { kind: 'updates', updates: [{ round: 1, client: 'a/b', digest: digest('f') }] } },
    ],
  ])('is not written with %s', (_what, change) => {
    expect(() => provenancePayload({ ...facts, ...change })).toThrow(invalid)
  })

  it.each<[string, readonly string[], unknown]>([
    ['an influence that nobody knows', ['predicate', 'buildDefinition', 'externalParameters', 'more'], 1],
    ['another kind of build', ['predicate', 'buildDefinition', 'buildType'], 'https://example.com/build'],
    ['another predicate', ['predicateType'], 'https://slsa.dev/provenance/v0.2'],
    ['no subject', ['subject'], []],
    ['a subject without digest', ['subject', '0', 'digest'], {}],
    ['a dependency that is nothing', ['predicate', 'buildDefinition', 'resolvedDependencies', '0'], { name: 'x' }],
    ['no run', ['predicate', 'runDetails', 'metadata', 'invocationId'], undefined],
  ])('is not read with %s', (_what, path, value) => {
    expect(() => readProvenance(changed(provenancePayload(facts), path, value))).toThrow(unverified)
  })

  it('is read with members that nobody knows elsewhere, and not with one twice', () => {
    const payload = changed(provenancePayload(facts), ['predicate', 'runDetails', 'parley_more'], 1)
    expect(readProvenance(payload).predicate.runDetails).not.toHaveProperty('parley_more')
    const twice = utf8(fromUtf8(payload).replace('{', '{"_type":"https://in-toto.io/Statement/v1",'))
    expect(() => readProvenance(twice)).toThrow('canonical')
  })

  it('is believed of this version, from a signer who speaks for its builder', () => {
    const provenance = readProvenance(provenancePayload(facts))
    const expected = {
      weights: facts.weights,
      root: facts.root,
      signer: 'release',
      pairs: [{ signer: 'release', builder: facts.builder }],
    }
    expect(provenanceProblem(provenance, expected)).toBeUndefined()
    expect(provenanceProblem(provenance, { ...expected, root: digest('0') })).toContain('not about')
    expect(provenanceProblem(provenance, { ...expected, signer: 'by-hand' })).toContain('does not speak')
    expect(provenanceProblem(provenance, { ...expected, pairs: [] })).toContain('does not speak')
  })
})

describe('a test result', () => {
  const gates = (...verdicts: ('pass' | 'fail' | 'not-evaluable' | 'overridden')[]) =>
    testResultPayload({
      weights: digest('a'),
      gateDefinitions: digest('b'),
      evaluationData: digest('c'),
      gates: verdicts.map((verdict, i) => ({ gate: `g${i}`, verdict })),
    })

  it.each([
    ['PASSED', ['pass', 'pass']],
    ['WARNED', ['pass', 'overridden']],
    ['FAILED', ['pass', 'fail']],
    ['FAILED', ['overridden', 'not-evaluable']],
    ['PASSED', []],
  ] as const)('is %s for %j', (result, verdicts) => {
    const { predicate, subject } = readTestResult(gates(...verdicts))
    expect(predicate.result).toBe(result)
    expect(subject[0]?.digest.sha256).toBe(digest('a'))
    expect(predicate.failedTests).toHaveLength(
      verdicts.filter((one) => one === 'fail' || one === 'not-evaluable').length,
    )
  })

  it.each<[string, readonly string[], unknown]>([
    ['passed with failed tests', ['predicate', 'result'], 'PASSED'],
    ['has another result', ['predicate', 'result'], 'MAYBE'],
    ['has no configuration', ['predicate', 'configuration'], []],
    ['names a test twice', ['predicate', 'passedTests'], ['g1']],
  ])('that %s is not read', (_what, path, value) => {
    expect(() => readTestResult(changed(gates('pass', 'fail'), path, value))).toThrow(unverified)
  })

  it('may leave out or null what is empty', () => {
    const payload = changed(
      changed(gates('pass'), ['predicate', 'warnedTests'], null),
      ['predicate', 'failedTests'],
      undefined,
    )
    expect(readTestResult(payload).predicate).toMatchObject({ warnedTests: [], failedTests: [], result: 'PASSED' })
  })
})

describe('approvals', () => {
  const given: ApprovalFacts = {
    model: 'heart',
    root: digest('a'),
    member: 'https://parley.example/members/a',
    policy: digest('b'),
    at: '2026-01-02T03:04:05Z',
    properties: ['PARLEY_RELEASE_APPROVED', 'PARLEY_CARD_READ'],
  }
  const by = (member: string, change: Partial<ApprovalFacts> = {}) => ({
    member,
    approval: readApproval(approvalPayload({ ...given, member, ...change })),
  })
  const needs = { root: digest('a'), policy: digest('b'), launcher: 'm:launcher' }

  it('are enough from two members', () => {
    expect(approvalsProblem([by('m:1'), by('m:2')], needs)).toBeUndefined()
  })

  it.each<[string, ReturnType<typeof by>]>([
    ['of the same member again', by('m:1')],
    ['of the launcher', by('m:launcher')],
    ['of another version', by('m:2', { root: digest('c') })],
    ['under another policy', by('m:2', { policy: digest('c') })],
    ['that does not approve', by('m:2', { properties: ['PARLEY_CARD_READ'] })],
    ['that another key signed', { ...by('m:2'), member: 'm:3' }],
  ])('are not enough with one %s', (_what, second) => {
    expect(approvalsProblem([by('m:1'), second], needs)).toBe('1 of 2 members approved this version')
  })

  it('are written and read with all they need only', () => {
    expect(() => approvalPayload({ ...given, properties: [] })).toThrow(invalid)
    expect(() => approvalPayload({ ...given, at: 'today' })).toThrow(invalid)
    const payload = approvalPayload(given)
    expect(() => readApproval(changed(payload, ['predicate', 'verifier', 'policies'], undefined))).toThrow(unverified)
    expect(
      readApproval(changed(payload, ['predicate', 'verifier', 'policies'], [])).predicate.verifier.policies,
    ).toEqual([])
  })
})

it('in a resource unset, null and empty mean the same', () => {
  const bare = { uri: 'a:b' }
  expect(
    resourceDescriptorSchema.parse({ ...bare, name: '', digest: {}, content: null, mediaType: undefined, more: 1 }),
  ).toEqual(bare)
  expect(resourceDescriptorSchema.safeParse({ uri: '', digest: {}, content: null }).success).toBe(false)
})

it('times are whole seconds in UTC', () => {
  expect(timestampOf(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe('2026-01-02T03:04:05Z')
  for (const text of ['', '2026-01-02', '2026-01-02T03:04:05+00:00', '2026-13-02T03:04:05Z', '2026-02-29T03:04:05Z']) {
    expect([text, timestampField.safeParse(text).success]).toEqual([text, false])
  }
})
