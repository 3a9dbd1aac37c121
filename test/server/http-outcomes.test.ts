/** What arrives at the address for outcomes, byte for byte, from consumers and from those who say that they are some. */
import { beforeEach, describe, expect, it } from 'vitest'
import { dsseBytes, signDsse } from '../../core/attestation/dsse.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { LATENCY_BINS } from '../../core/rollout/latency-grid.ts'
import { OUTCOMES_PAYLOAD_TYPE, type Outcomes } from '../../core/rollout/outcomes.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import type { Rollouts } from '../../server/registry/rollouts.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, consumerKey, HOUR, RULE, rolloutsOf } from '../support/rollout.ts'
import { failure, type Running, releaseKey, running } from './http-fixtures.ts'

const DSSE = 'application/vnd.dsse.envelope.v1+json'
const stranger = nodeCrypto.signingKey(new Uint8Array(32).fill(1))

let store: Store
let clock: ManualClock
let rollouts: Rollouts
let consumers: Consumers
let server: Running
/** Who gets the challenger, and who does not. */
let chosen: string
let other: string

beforeEach(async () => {
  store = memoryStore()
  clock = new ManualClock()
  const registry = registryOf(store, releaseKey, { now: () => clock.now() })
  rollouts = rolloutsOf(store, registry, clock, { reportsPerMinute: 3 })
  consumers = new Consumers(store, clock)
  server = await running({ store, registry, rollouts })
  const rule = RULE.replace('both', 'false')
  for (const round of [1, 2]) await registry.publish(await candidateWith(store, round, rule), 'production')
  const { challenger, champion } = await consumers.sides()
  chosen = challenger[0]!
  other = champion[0]!
})

const post = (body: string | Uint8Array<ArrayBuffer>, type = DSSE, model = 'heart') =>
  fetch(`${server.url}/v1/models/${model}/outcomes`, { method: 'POST', body, headers: { 'content-type': type } })

/** An envelope over this text, whatever it is. */
async function enveloped(text: string, key: SigningKey, type = OUTCOMES_PAYLOAD_TYPE): Promise<string> {
  return fromUtf8(dsseBytes(await signDsse(key, type, utf8(text))))
}

const signed = (report: object, key = consumerKey((report as Outcomes).consumer)) =>
  enveloped(canonicalJson(report as never), key)

const stored = async () => store.records.outcomes('heart', (await consumers.record()).rollout!.id)

describe('a report', () => {
  it('of a listed consumer is taken, and counted once however often it comes', async () => {
    const first = await signed(await consumers.next(chosen))
    expect(await (await post(first)).json()).toEqual({ sequence: 1, repeated: false })
    expect(await (await post(first)).json()).toEqual({ sequence: 1, repeated: true })
    const second = await signed({ ...(await consumers.next(chosen, { sequence: 2 })), ...span(1) })
    clock.advance(2 * 60_000)
    expect((await post(second)).status).toBe(200)
    const state = await (await server.admin('GET', '/v1/models/heart/rollout')).json()
    expect(state).toMatchObject({
      reports: 2,
      share: 2_000,
      decision: { decision: 'keep', metrics: [{ metric: 'error-rate', challenger: { reported: 200, consumers: 1 } }] },
    })
    expect(await stored()).toHaveLength(2)
  })

  const span = (minute: number) => ({
    from: new Date(clock.now() + minute * 60_000).toISOString().replace('.000', ''),
    to: new Date(clock.now() + (minute + 1) * 60_000).toISOString().replace('.000', ''),
  })

  const bins = (value: number) => ({ latencyMs: { bins: new Array(LATENCY_BINS).fill(value) } })

  it.each<[string, string, RegExp, () => Promise<string>]>([
    [
      'with a stranger’s signature',
      'outcomes.invalid',
      /not signed with the key/,
      async () => signed(await consumers.next(chosen), stranger),
    ],
    [
      'with another consumer’s signature',
      'outcomes.invalid',
      /not signed with the key/,
      async () => signed(await consumers.next(chosen), consumerKey(other)),
    ],
    [
      'of nobody who is listed',
      'outcomes.unlisted',
      /./,
      async () => signed({ ...(await consumers.next(chosen)), consumer: 'eve' }, stranger),
    ],
    [
      'signed as something else',
      'outcomes.invalid',
      /not signed with the key/,
      async () =>
        enveloped(
          canonicalJson((await consumers.next(chosen)) as never),
          consumerKey(chosen),
          'application/vnd.parley.alias+json',
        ),
    ],
    [
      'whose payload was changed',
      'outcomes.invalid',
      /not signed with the key/,
      async () => {
        const envelope = JSON.parse(await signed(await consumers.next(chosen))) as { payload: string }
        const payload = atob(envelope.payload).replace('"errors":2', '"errors":3')
        return JSON.stringify({ ...envelope, payload: btoa(payload) })
      },
    ],
    [
      'that leaves a number out',
      'outcomes.gap',
      /next has the number 1/,
      async () => signed(await consumers.next(chosen, { sequence: 2 })),
    ],
    [
      'of the other side',
      'outcomes.other-side',
      /gets version 2/,
      async () => signed(await consumers.next(chosen, { counts: { number: 1 } })),
    ],
    [
      'of the side of the challenger by who does not get it',
      'outcomes.other-side',
      /gets version 1/,
      async () => signed(await consumers.next(other, { counts: { number: 2 } })),
    ],
    [
      'of both sides',
      'outcomes.other-side',
      /gets version 2/,
      async () => {
        const report = await consumers.next(chosen)
        return signed({ ...report, versions: [...report.versions, { number: 1, requests: 1, errors: 1 }] })
      },
    ],
    [
      'of another rollout',
      'outcomes.no-rollout',
      /./,
      async () => signed(await consumers.next(chosen, { rollout: 'roll_x' })),
    ],
    [
      'of another model',
      'outcomes.invalid',
      /of lung, not of heart/,
      async () => signed(await consumers.next(chosen, { model: 'lung' })),
    ],
    [
      'of a time to come',
      'outcomes.invalid',
      /is to come/,
      async () => signed({ ...(await consumers.next(chosen)), ...span(10) }),
    ],
    [
      'of a time before the rollout',
      'outcomes.invalid',
      /before the rollout/,
      async () => signed({ ...(await consumers.next(chosen)), ...span(-30) }),
    ],
    [
      'with more than there can be',
      'outcomes.invalid',
      /requests: Too big/,
      async () => signed(await consumers.next(chosen, { counts: { requests: 1e15 } })),
    ],
    [
      'with more errors than requests',
      'outcomes.invalid',
      /more errors than/,
      async () => signed(await consumers.next(chosen, { counts: { errors: 101 } })),
    ],
    [
      'with more latencies than requests',
      'outcomes.invalid',
      /more latencies than/,
      async () => signed(await consumers.next(chosen, { counts: bins(1) })),
    ],
    [
      'with more truths than requests',
      'outcomes.invalid',
      /more truths/,
      async () => signed(await consumers.next(chosen, { counts: { confusion: { tp: 101, fp: 0, tn: 0, fn: 0 } } })),
    ],
    [
      'with a negative count',
      'outcomes.invalid',
      /errors: Too small/,
      async () => signed(await consumers.next(chosen, { counts: { errors: -1 } })),
    ],
    [
      'with half a request',
      'outcomes.invalid',
      /requests: .*int/,
      async () => signed(await consumers.next(chosen, { counts: { requests: 0.5, errors: 0 } })),
    ],
    [
      'with cases in it',
      'outcomes.invalid',
      /[Uu]nrecognized key/,
      async () => signed({ ...(await consumers.next(chosen)), patients: ['x'] }),
    ],
    [
      'with NaN',
      'outcomes.invalid',
      /not JSON/,
      async () =>
        enveloped(
          canonicalJson((await consumers.next(chosen)) as never).replace('"errors":2', '"errors":NaN'),
          consumerKey(chosen),
        ),
    ],
    [
      'with a number that no double holds',
      'outcomes.invalid',
      /errors: /,
      async () =>
        enveloped(
          canonicalJson((await consumers.next(chosen)) as never).replace('"errors":2', '"errors":1e999'),
          consumerKey(chosen),
        ),
    ],
    [
      'in other bytes than the canonical ones',
      'outcomes.invalid',
      /canonical form/,
      async () => enveloped(JSON.stringify(await consumers.next(chosen), null, 1), consumerKey(chosen)),
    ],
    ['that is no envelope', 'outcomes.invalid', /DSSE envelope/, async () => '{"payload":1}'],
    ['that is no JSON', 'outcomes.invalid', /not JSON/, async () => 'NaN'],
  ])('%s is refused as %s, and nothing of it is kept', async (_what, code, message, made) => {
    clock.advance(15 * 60_000)
    const answer = await post(await made())
    expect(await failure(answer)).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(await stored()).toEqual([])
    // It was what is wrong with it alone.
    expect((await post(await signed(await consumers.next(chosen)))).status).toBe(200)
  })

  it('that was taken is refused when another stands under its number, and when it comes late', async () => {
    const first = await signed(await consumers.next(chosen))
    await post(first)
    const changed = await signed(await consumers.next(chosen, { sequence: 1, counts: { errors: 100 } }))
    expect(await failure(await post(changed))).toMatchObject({ status: 409, code: 'outcomes.replayed' })
    clock.advance(60_000)
    const overlapping = await signed({ ...(await consumers.next(chosen, { sequence: 2 })), ...span(-2) })
    expect(await failure(await post(overlapping))).toMatchObject({ code: 'outcomes.invalid' })
    await post(await signed({ ...(await consumers.next(chosen, { sequence: 2 })), ...span(0) }))
    clock.advance(60_000)
    expect(await failure(await post(first))).toMatchObject({ status: 409, code: 'outcomes.replayed' })
    expect(await stored()).toHaveLength(2)
  })

  it('is too large before anything of it is read', async () => {
    const large = `{"payload":"${'A'.repeat(defaultLimits.outcomesBytes)}"}`
    expect(await failure(await post(large))).toMatchObject({ status: 413, code: 'request.too-large' })
  })

  it('comes as an envelope, and in no other type', async () => {
    const body = await signed(await consumers.next(chosen))
    for (const type of ['application/json', 'text/plain', 'application/octet-stream']) {
      expect(await failure(await post(body, type))).toMatchObject({ status: 400, code: 'request.invalid' })
    }
    expect(await failure(await post(body, DSSE, '..%2F'))).toMatchObject({ code: 'request.invalid' })
  })

  it('comes too often from one consumer, which is nothing to another, nor to be had with a forged signature', async () => {
    for (let i = 0; i < 5; i++) await post(await signed(await consumers.next(chosen), stranger))
    for (let i = 0; i < 3; i++) expect((await post(await signed(await consumers.next(chosen)))).status).toBe(200)
    expect(await failure(await post(await signed(await consumers.next(chosen))))).toMatchObject({
      status: 429,
      code: 'outcomes.too-often',
    })
    expect((await post(await signed(await consumers.next(other)))).status).toBe(200)
    clock.advance(20_000)
    expect(
      await (await post(await signed({ ...(await consumers.next(chosen, { sequence: 2 })), ...span(0) }))).status,
    ).toBe(200)
  })
})

describe('a rollout', () => {
  const apply = (body: object) =>
    server.admin('POST', '/v1/models/heart/rollout', JSON.stringify(body), 'application/json')

  it('is shown and applied to who bears the token', async () => {
    const anonymous = await server.get('/v1/models/heart/rollout')
    expect(await failure(anonymous)).toMatchObject({ code: 'auth.failed' })
    expect(await failure(await fetch(`${server.url}/v1/models/heart/rollout`, { method: 'POST' }))).toMatchObject({
      code: 'auth.failed',
    })
    await consumers.all(rollouts, { champion: 1, challenger: 40 })
    clock.advance(HOUR)
    const shown = await (await server.admin('GET', '/v1/models/heart/rollout?alias=production')).json()
    expect(shown).toMatchObject({ champion: 1, challenger: 2, decision: { decision: 'rollback' } })
    expect(await failure(await apply({ alias: 'production', actor: 'ada', expect: 2 }))).toMatchObject({
      status: 403,
      code: 'auth.identity-mismatch',
    })
    expect((await apply({ alias: 'production', expect: 2 })).status).toBe(200)
    expect(await store.records.alias('heart', 'production')).toMatchObject({ version: 1, actor: 'host', sequence: 3 })
    expect(await failure(await apply({}))).toMatchObject({ status: 412, code: 'outcomes.no-rollout' })
  })

  it.each([{ alias: 'latest' }, { more: 1 }, { expect: -1 }, { actor: '' }])('refuses the body %j', async (body) => {
    expect(await failure(await apply(body))).toMatchObject({ status: 400, code: 'request.invalid' })
  })

  it('is not shown of an alias that there is not', async () => {
    expect(await failure(await server.admin('GET', '/v1/models/heart/rollout?alias=none'))).toMatchObject({
      code: 'outcomes.no-rollout',
    })
    expect(await failure(await server.admin('GET', '/v1/models/heart/rollout?alias=latest'))).toMatchObject({
      code: 'request.invalid',
    })
  })
})
