/** Pitfalls 18 and 20: messages that are forged, replayed, late, oversized, of another session or out of order. */
import { describe, expect, test } from 'vitest'
import type { Envelope } from '../../../core/crypto/envelope.ts'
import { toHex } from '../../../core/encoding/bytes.ts'
import {
  awaited,
  broadcastFor,
  bucketOf,
  type ClientState,
  closePhase,
  confirmSurvivors,
  delivered,
  maskInput,
  openSession,
  shareKeys,
  take,
  unmask,
} from '../../../core/secagg/index.ts'
import { type Step, signMessage } from '../../../core/secagg/messages.ts'
import { contextOf, crypto, identitiesOf, keyOf, nameOf, namesOf, policyOf, runSession, steps } from './session.ts'
import { coin, configurationOf } from './support.ts'

const [first, second] = [runSession(), runSession({ session: 'ffeeddccbbaa99887766554433221100' })]
const sender = nameOf(1)
const messageOf = (run: typeof first, step: Step) => run.messages.get(`${sender} ${step}`)!
const payloadOf = (message: Envelope) => JSON.parse(Buffer.from(message.payload).toString())
const taking = (step: Step, message: Envelope, client = sender, run = first) => {
  const { state } = run.before[step]!
  const taken = take({ crypto }, state, client, message)
  if (!taken.receipt.ok) expect(taken.state).toBe(state)
  return taken.receipt.ok ? 'taken' : taken.receipt.reason
}

describe.each(steps)('a message of step %s', (step) => {
  const honest = messageOf(first, step)
  const resigned = (change: object, key = sender) => signMessage(keyOf(key), step, { ...payloadOf(honest), ...change })

  test('is taken, and taken again', () => {
    expect(taking(step, honest)).toBe('taken')
    const { state } = take({ crypto }, first.before[step]!.state, sender, honest)
    expect(take({ crypto }, state, sender, honest)).toEqual({ state, receipt: { ok: true } })
  })

  test('is not taken with a changed byte, a changed signature or from another connection', () => {
    const payload = honest.payload.slice()
    payload[payload.length - 3]! ^= 1
    expect(taking(step, { ...honest, payload })).toBe('invalid')
    const signature = honest.signature.slice()
    signature[5]! ^= 1
    expect(taking(step, { ...honest, signature })).toBe('invalid')
    expect(taking(step, honest, nameOf(2))).toBe('invalid')
    expect(taking(step, honest, 'nobody')).toBe('not-invited')
    expect(taking(step, resigned({}, nameOf(2)))).toBe('invalid')
    expect(taking(step, resigned({ client: nameOf(2) }))).toBe('invalid')
  })

  test('is not taken from another session, though validly signed', () => {
    expect(taking(step, messageOf(second, step))).toBe('wrong-session')
    if (step !== 'advertise') expect(taking(step, resigned({ roster: '00'.repeat(32) }))).toBe('wrong-session')
  })

  test('is not taken in another step', () => {
    for (const other of steps) {
      if (other !== step) expect(taking(other, honest)).toBe('invalid')
    }
  })

  test('is not parsed when it is too large or has another shape', () => {
    expect(taking(step, resigned({ padding: 'x'.repeat(10_000) }))).toBe('invalid')
    expect(taking(step, resigned({ extra: 1 }))).toBe('invalid')
    expect(taking(step, resigned({ v: 2 }))).toBe('invalid')
    const notJson = { ...honest, payload: Uint8Array.of(0xff) }
    expect(taking(step, notJson)).toBe('invalid')
  })
})

describe('a second and different message', () => {
  const altered = (base64: string) => (base64[0] === 'A' ? 'B' : 'A') + base64.slice(1)
  const after = (step: Step) => take({ crypto }, first.before[step]!.state, sender, messageOf(first, step)).state
  const other = (step: Step, change: object) => {
    const message = signMessage(keyOf(sender), step, { ...payloadOf(messageOf(first, step)), ...change })
    return take({ crypto }, after(step), sender, message).receipt
  }

  test('of a client does not replace the first', () => {
    const duplicate = { ok: false, reason: 'duplicate' }
    expect(other('advertise', { seedHash: '22'.repeat(32) })).toEqual(duplicate)
    const { sealed, selfShares } = { ...payloadOf(messageOf(first, 'share')), ...payloadOf(messageOf(first, 'unmask')) }
    expect(other('share', { sealed: altered(sealed) })).toEqual(duplicate)
    expect(other('input', { digest: '22'.repeat(32) })).toEqual(duplicate)
    expect(other('unmask', { selfShares: altered(selfShares) })).toEqual(duplicate)
  })
})

describe('what the coordinator checks', () => {
  const resigned = (step: Step, change: object, client = sender) =>
    signMessage(keyOf(client), step, { ...payloadOf(first.messages.get(`${client} ${step}`)!), ...change })

  test('keys of small order, and keys of others', () => {
    expect(taking('advertise', resigned('advertise', { maskKey: '00'.repeat(32) }))).toBe('weak-key')
    const { state } = take(
      { crypto },
      first.before.advertise!.state,
      nameOf(0),
      first.messages.get(`${nameOf(0)} advertise`)!,
    )
    const { channelKey } = payloadOf(first.messages.get(`${nameOf(0)} advertise`)!)
    for (const field of ['maskKey', 'channelKey']) {
      const receipt = take({ crypto }, state, sender, resigned('advertise', { [field]: channelKey })).receipt
      expect(receipt).toEqual({ ok: false, reason: 'repeated-key' })
    }
    expect(taking('advertise', resigned('advertise', { identityKey: '33'.repeat(32) }))).toBe('invalid')
  })

  test('coins, lengths and sets', () => {
    const { sealed } = payloadOf(messageOf(first, 'share'))
    const { selfShares } = payloadOf(messageOf(first, 'unmask'))
    expect(taking('share', resigned('share', { coin: '44'.repeat(32) }))).toBe('coin-mismatch')
    expect(taking('share', resigned('share', { sealed: sealed.slice(108) }))).toBe('wrong-length')
    expect(taking('input', resigned('input', { members: '44'.repeat(32) }))).toBe('wrong-set')
    expect(taking('survivors', resigned('survivors', { survivors: '44'.repeat(32) }))).toBe('wrong-set')
    expect(taking('survivors', resigned('survivors', { members: '44'.repeat(32) }))).toBe('wrong-set')
    expect(taking('unmask', resigned('unmask', { survivors: '44'.repeat(32) }))).toBe('wrong-set')
    expect(taking('unmask', resigned('unmask', { selfShares: selfShares.slice(4) }))).toBe('wrong-length')
    expect(taking('unmask', resigned('unmask', { maskShares: 'AAAA' }))).toBe('wrong-length')
  })

  test('a vector counts only with the digest that was signed for it', () => {
    const { state } = first.before.input!
    const { digest } = payloadOf(messageOf(first, 'input'))
    expect(delivered(state, sender, digest).receipt).toEqual({ ok: false, reason: 'not-invited' })
    const announced = take({ crypto }, state, sender, messageOf(first, 'input')).state
    expect(delivered(announced, sender, '55'.repeat(32)).receipt).toEqual({ ok: false, reason: 'invalid' })
    expect(awaited(announced)).toContain(sender)
    const stored = delivered(announced, sender, digest)
    expect(stored.receipt).toEqual({ ok: true })
    expect(awaited(stored.state)).not.toContain(sender)
    expect(bucketOf(stored.state, sender)).toBe(0)
    expect(delivered(first.before.share!.state, sender, digest).receipt).toEqual({ ok: false, reason: 'wrong-phase' })
  })
})

describe('what a client is shown', () => {
  const context = contextOf(sender, policyOf(namesOf(5)))
  const act = (step: Step, state: ClientState, broadcast: unknown) => {
    if (step === 'share') return shareKeys(context, state, broadcast)
    if (step === 'input') return maskInput(context, state, broadcast, new Uint32Array(12))
    return step === 'survivors' ? confirmSurvivors(context, state, broadcast) : unmask(context, state, broadcast)
  }
  const later = ['share', 'input', 'survivors', 'unmask'] as const
  const stateBefore = (step: Step) => first.before[step]!.clients.get(sender)!
  const shownIn = (step: Step, run = first) => broadcastFor({ crypto }, run.before[step]!.state, sender)

  test.each(later)('in step %s: another step, another session, junk', (step) => {
    const refused = (broadcast: unknown, reason: string) =>
      expect(act(step, stateBefore(step), broadcast)).toMatchObject({ ok: false, refusal: { reason } })
    for (const other of later) if (other !== step) refused(shownIn(other), 'malformed')
    refused(shownIn(step, second), 'wrong-session')
    for (const junk of [null, undefined, 7, 'x', [], {}, { ...shownIn(step), extra: 1 }, { ...shownIn(step), v: 2 }]) {
      refused(junk, 'malformed')
    }
    expect(act(step, stateBefore(step), shownIn(step)).ok).toBe(true)
  })

  test.each(later)('step %s in any other phase of the client', (step) => {
    for (const other of [...later, 'end'] as const) {
      if (other === step) continue
      const state = other === 'end' ? first.clients.get(sender)! : stateBefore(other)
      const reason = step === 'unmask' && other === 'end' ? 'already-answered' : 'wrong-phase'
      expect(act(step, state, shownIn(step))).toMatchObject({ ok: false, refusal: { reason } })
    }
  })

  test('a refusal leaves the vector as it was', () => {
    const lanes = Uint32Array.from({ length: 12 }, (_, i) => i)
    expect(maskInput(context, stateBefore('input'), shownIn('input', second), lanes).ok).toBe(false)
    expect([...lanes]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(() => maskInput(context, stateBefore('input'), shownIn('input'), new Uint32Array(11))).toThrow(RangeError)
  })
})

describe('pitfall 18: a step that cannot go on says why', () => {
  const without = (at: Step, keep: number) =>
    runSession({}, { lost: (client, step) => step === at && namesOf(5).indexOf(client) >= keep })

  test.each(steps)('too few in step %s', (step) => {
    const run = without(step, 3)
    expect(run.failedIn).toBe(step)
    expect(run.sums).toEqual([])
    if (step === 'unmask') {
      expect(run.plan).toMatchObject({
        ok: false,
        failure: { phase: 'unmask', reason: 'unrecoverable', have: 3, need: 4 },
        culprits: [],
      })
      return
    }
    const closed = closePhase({ crypto }, run.state)
    const reason = step === 'survivors' ? 'too-few-confirmations' : 'too-few-clients'
    expect(closed).toEqual({ ok: false, failure: { phase: step, reason, have: 3, need: 4 } })
  })

  test('no bucket is left', () => {
    const run = runSession(
      {
        cohort: 8,
        graph: { kind: 'complete', threshold: 5 },
        weight: { min: 1, max: 1 },
        buckets: { size: 4, minSurvivors: 4 },
      },
      { lost: (client, step) => step === 'input' && Number(client.slice(-1)) % 2 === 0 },
      () => ({ values: new Float64Array(9), weight: 1 }),
    )
    expect(closePhase({ crypto }, run.state)).toMatchObject({ ok: false, failure: { reason: 'no-bucket-left' } })
  })

  test('the beacon that the configuration names is missing, or there is one that it does not name', () => {
    const { state } = first.before.share!
    expect(state.phase).toBe('share')
    const opened = openSession({ crypto }, keyOf('coordinator'), configurationOf(), coin, identitiesOf(namesOf(5)))
    const full = namesOf(5).reduce(
      (all, name) => take({ crypto }, all, name, first.messages.get(`${name} advertise`)!).state,
      opened.state as typeof first.state,
    )
    expect(awaited(full)).toEqual([])
    expect(closePhase({ crypto }, full, toHex(coin))).toMatchObject({
      ok: false,
      failure: { reason: 'beacon-missing' },
    })
  })

  test('a session that contradicts itself is not opened', () => {
    const open =
      (change: object, opening = coin, names = namesOf(5)) =>
      () =>
        openSession({ crypto }, keyOf('coordinator'), configurationOf(change), opening, identitiesOf(names))
    expect(open({ minimum: 6 })).toThrow(RangeError)
    expect(open({}, crypto.randomBytes(32))).toThrow(RangeError)
    expect(open({}, coin, namesOf(6))).toThrow(RangeError)
    expect(open({ graph: { kind: 'regular', degree: 3, threshold: 2 } })).toThrow(RangeError)
  })
})
