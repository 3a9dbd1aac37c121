/** The pitfalls of the design document (section 9) that a client or a coordinator could fall into: one test each, by its number. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Envelope } from '../../../core/crypto/envelope.ts'
import { fromBase64, toBase64, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import {
  advertise,
  broadcastFor,
  checksumKey,
  configHashOf,
  confirmSurvivors,
  decodeSum,
  encodeInput,
  maskArithmeticOf,
  maskInput,
  shareKeys,
  storedAnswer,
  unmask,
} from '../../../core/secagg/index.ts'
import { pairKey, pairSign } from '../../../core/secagg/masks.ts'
import {
  type ConfirmationsBroadcast,
  type MembersBroadcast,
  type RosterBroadcast,
  SEALED_CHARACTERS,
  signMessage,
} from '../../../core/secagg/messages.ts'
import { needed } from '../../../core/secagg/roster.ts'
import { maskContextOf, sessionTopology } from '../../../core/secagg/session.ts'
import {
  contextOf,
  crypto,
  keyOf,
  nameOf,
  namesOf,
  plainSum,
  policyOf,
  type Run,
  restored,
  runSession,
} from './session.ts'

const reasons = (run: Run) => [...run.refusals.values()].map(({ reason }) => reason)
const five = policyOf(namesOf(5))
const asRoster = (broadcast: unknown) => structuredClone(broadcast) as RosterBroadcast
const asMembers = (broadcast: unknown) => structuredClone(broadcast) as MembersBroadcast

describe('pitfalls 1 and 4: sessions have nothing in common', () => {
  const [first, second] = [runSession(), runSession({ session: 'ffeeddccbbaa99887766554433221100' })]

  test('keys, seeds and coins are new, and so are the masks', () => {
    const secretsOf = (run: Run) =>
      namesOf(5).flatMap((name) => {
        const state = run.before.share!.clients.get(name)!
        if (state.phase !== 'advertised') throw new Error(state.phase)
        return [state.channelSecret, state.coin, state.sharing, state.maskSeed, state.seed]
      })
    const all = [...secretsOf(first), ...secretsOf(second)]
    expect(new Set(all).size).toBe(50)
    for (const name of namesOf(5)) {
      const masks = [first, second].map((run) =>
        run.uploads.get(name)!.map((lane, j) => lane - run.plain.get(name)![j]!),
      )
      expect(masks[0]!.some((lane, j) => lane === masks[1]![j])).toBe(false)
    }
  })

  test('shares of the old one do not open in the new one', () => {
    const state = second.before.input!.clients.get(nameOf(0))!
    const honest = asMembers(broadcastFor({ crypto }, second.before.input!.state, nameOf(0)))
    const { sealed } = asMembers(broadcastFor({ crypto }, first.before.input!.state, nameOf(0)))
    const result = maskInput(contextOf(nameOf(0), five), state, { ...honest, sealed }, new Uint32Array(12))
    expect(result).toMatchObject({ ok: false, refusal: { reason: 'sealed-share', client: nameOf(1) } })
  })
})

describe('pitfall 3: both shares of one client', () => {
  test('are never needed, whatever survivors a coordinator invents', () => {
    const run = runSession()
    if (run.state.phase !== 'unmask') throw new Error(run.state.phase)
    const topology = sessionTopology(crypto, run.state)
    fc.assert(
      fc.property(fc.subarray([0, 1, 2, 3, 4]), fc.subarray([0, 1, 2, 3, 4]), (members, survivors) => {
        const { self, mask } = needed(topology, false, [members], new Set(survivors))
        expect(self.filter((index) => mask.includes(index))).toEqual([])
      }),
    )
  })

  test('a client named twice among the survivors is refused', () => {
    const run = runSession(
      {},
      { shown: (_, step, honest) => (step === 'survivors' ? { ...honest, survivors: [0, 1, 2, 3, 3] } : honest) },
    )
    expect(reasons(run)).toEqual(Array(5).fill('wrong-survivors'))
  })

  test('a second answer is refused, also after a restart; the stored one is the first, byte for byte', () => {
    const run = runSession()
    const broadcast = broadcastFor({ crypto }, run.before.unmask!.state, nameOf(2))
    const state = restored(run.clients.get(nameOf(2))!)
    expect(unmask(contextOf(nameOf(2), five), state, broadcast)).toMatchObject({
      ok: false,
      refusal: { reason: 'already-answered' },
    })
    if (state.phase !== 'answered') throw new Error(state.phase)
    const sent = run.messages.get(`${nameOf(2)} unmask`)!
    expect(storedAnswer(state)).toEqual(sent)
    expect(JSON.stringify(state)).not.toContain('Secret')
  })

  test('a client that signed one list of survivors signs no other', () => {
    const run = runSession()
    const state = run.before.unmask!.clients.get(nameOf(0))!
    const broadcast = { ...broadcastFor({ crypto }, run.before.survivors!.state, nameOf(0)), survivors: [0, 1, 2, 3] }
    expect(confirmSurvivors(contextOf(nameOf(0), five), state, broadcast)).toMatchObject({
      ok: false,
      refusal: { reason: 'wrong-phase' },
    })
  })
})

describe('pitfall 5: the coordinator changes the roster', () => {
  const attack = (change: (roster: RosterBroadcast) => void) =>
    runSession(
      {},
      {
        shown: (_, step, honest) => {
          if (step !== 'share') return honest
          const roster = asRoster(honest)
          change(roster)
          return roster
        },
      },
    )
  const own = toHex(crypto.agreementKey(crypto.randomBytes(32)).publicKey)

  test.each(['channelKey', 'maskKey', 'seedHash', 'coinHash'] as const)(
    'one %s replaced: every client leaves',
    (field) => {
      const run = attack((roster) => Object.assign(roster.rows[2]!, { [field]: own }))
      expect(reasons(run)).toEqual(['bad-signature', 'bad-signature', 'own-row', 'bad-signature', 'bad-signature'])
      expect([...run.refusals.values()].map(({ client }) => client)).toContain(nameOf(2))
    },
  )

  test('an identity replaced and everything signed with the new one', () => {
    const run = attack((roster) => {
      const { signature, ...row } = roster.rows[2]!
      const forged = { ...row, identityKey: toHex(keyOf('coordinator').publicKey), maskKey: own }
      const { signature: bytes } = signMessage(keyOf('coordinator'), 'advertise', {
        v: 1,
        config: roster.config,
        ...forged,
      })
      roster.rows[2] = { ...forged, signature: toBase64(bytes) }
    })
    expect(new Set(reasons(run))).toEqual(new Set(['known-identity', 'own-row']))
  })

  test.each<[string, string, (roster: RosterBroadcast) => void]>([
    ['rows in another order', 'roster-order', ({ rows }) => rows.reverse()],
    ['a row twice', 'roster-order', ({ rows }) => void rows.splice(1, 1, rows[0]!)],
    ['too few rows', 'too-few-clients', ({ rows }) => void rows.splice(2)],
    ['equal mask keys', 'repeated-key', ({ rows }) => Object.assign(rows[3]!, { maskKey: rows[4]!.maskKey })],
    [
      'a channel key as mask key',
      'repeated-key',
      ({ rows }) => Object.assign(rows[3]!, { maskKey: rows[4]!.channelKey }),
    ],
    ['another coin of the coordinator', 'coin-mismatch', (roster) => Object.assign(roster, { coin: '00'.repeat(32) })],
    ['a beacon that nobody named', 'beacon-mismatch', (roster) => Object.assign(roster, { beacon: '00'.repeat(32) })],
  ])('%s', (_, reason, change) => {
    const result = attack(change)
    expect(reasons(result)).toContain(reason)
    expect(reasons(result).length).toBe(5)
  })

  test('pitfall 20: keys of small order', () => {
    for (const key of [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    ]) {
      expect(
        crypto.agreementKey(crypto.randomBytes(32)).agree(Uint8Array.from(Buffer.from(key, 'hex'))),
      ).toBeUndefined()
      const run = attack(({ rows }) => Object.assign(rows[4]!, { maskKey: key }))
      expect(reasons(run)).toEqual(['weak-key', 'weak-key', 'weak-key', 'weak-key', 'own-row'])
    }
  })
})

describe('pitfall 6: different clients are shown different survivors', () => {
  const six = { cohort: 6, graph: { kind: 'complete', threshold: 4 } } as const

  test('neither half answers, though the coordinator hands out every signature it has', () => {
    const views = [
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 5],
    ]
    const honest = runSession(six)
    const policy = policyOf(namesOf(6))
    const { state, clients } = honest.before.survivors!
    const signed = namesOf(6).map((name, i) => {
      const view = i === 4 ? views[0]! : i === 5 ? views[1]! : views[i % 2]!
      const result = confirmSurvivors(contextOf(name, policy), clients.get(name)!, {
        ...broadcastFor({ crypto }, state, name),
        survivors: view,
      })
      if (!result.ok) throw new Error(result.refusal.text)
      return result
    })
    const broadcast: ConfirmationsBroadcast = {
      v: 1,
      config: state.config,
      kind: 'confirmations',
      signers: [0, 1, 2, 3, 4, 5],
      signatures: signed.map(({ message }) => toBase64(message.signature)),
    }
    for (const [i, { state: confirmed }] of signed.entries()) {
      expect(unmask(contextOf(nameOf(i), policy), confirmed, broadcast)).toMatchObject({
        ok: false,
        refusal: { reason: 'too-few-confirmations' },
      })
    }
  })

  test('repeating one signature does not make it two', () => {
    const run = runSession(six)
    const { state, clients } = run.before.unmask!
    const honest = structuredClone(broadcastFor({ crypto }, state, nameOf(0))) as ConfirmationsBroadcast
    const repeated = { ...honest, signers: Array(6).fill(1), signatures: Array(6).fill(honest.signatures[1]) }
    expect(unmask(contextOf(nameOf(0), policyOf(namesOf(6))), clients.get(nameOf(0))!, repeated)).toMatchObject({
      ok: false,
      refusal: { reason: 'too-few-confirmations', text: expect.stringContaining('2 of at least 4') },
    })
  })

  test('different members are noticed as well', () => {
    const run = runSession(
      { ...six, minimum: 3 },
      {
        shown: (client, step, honest) => {
          if (step !== 'input' || client !== nameOf(0)) return honest
          const { members, coins, sealed, ...rest } = asMembers(honest)
          return {
            ...rest,
            members: members.slice(0, 5),
            coins: coins.slice(0, 5),
            sealed: sealed.slice(0, 4 * SEALED_CHARACTERS),
          }
        },
      },
    )
    expect(run.receipts).toEqual([{ client: nameOf(0), step: 'input', reason: 'wrong-set' }])
    for (const { lanes, survivors } of run.sums) expect(lanes).toEqual(plainSum(run, survivors))
  })
})

describe('pitfall 8: different models', () => {
  const other = toHex(crypto.sha256(utf8('other weights')))

  test('a client refuses a configuration for weights that it does not hold, before it makes a key', () => {
    const run = runSession({}, { expected: () => ({ model: other }) })
    expect(reasons(run)).toEqual(Array(5).fill('wrong-model'))
    expect(run.messages.size).toBe(0)
  })

  test('a victim with a configuration of its own is noticed by all in the first step', () => {
    const run = runSession(
      {},
      {
        expected: (client) => (client === nameOf(1) ? { model: other } : {}),
        configurationFor: (client, honest) =>
          client === nameOf(1)
            ? signMessage(keyOf('coordinator'), 'configuration', {
                ...JSON.parse(Buffer.from(honest.payload).toString()),
                model: other,
              })
            : honest,
      },
    )
    expect(run.receipts).toEqual([{ client: nameOf(1), step: 'advertise', reason: 'wrong-session' }])
  })

  test('masks of clients with different weights do not cancel, and the sum is noise that fails its checks', () => {
    const run = runSession()
    const configuration = run.configuration
    const rostered = run.state
    if (rostered.phase === 'advertise') throw new Error(rostered.phase)
    const contexts = [configuration, { ...configuration, model: other }].map((one) =>
      maskContextOf(crypto, { ...rostered, configuration: one }),
    )
    const shared = crypto.randomBytes(32)
    const key = checksumKey(crypto, configHashOf(crypto, configuration))
    const sum = (contextOfSecond: number) => {
      const input = { values: new Float64Array(9), weight: 1 }
      const total = new Uint32Array(12)
      for (const own of [0, 1]) {
        const lanes = encodeInput(crypto, configuration, key, input, crypto.randomBytes)
        const context = contexts[own === 1 ? contextOfSecond : 0]!
        maskArithmeticOf(crypto).addMasks(
          [{ key: pairKey(crypto, context, shared, 0, 1), sign: pairSign(own, 1 - own) }],
          lanes,
        )
        for (const [j, lane] of lanes.entries()) total[j]! += lane
      }
      return decodeSum(crypto, configuration, key, total, 2)
    }
    expect(sum(0).ok).toBe(true)
    expect(sum(1).ok).toBe(false)
  })

  test('a round that was answered does not come again', () => {
    expect(reasons(runSession({}, { expected: () => ({ lastRound: 7 }) }))).toEqual(Array(5).fill('old-round'))
  })
})

test('pitfall 9: a client that inflates its weight spoils the round, and nothing is published', () => {
  const run = runSession({}, { lanes: (client, lanes) => client === nameOf(3) && lanes.fill(1_000_000, 0, 1) })
  expect(run.sums.map(({ decoded }) => decoded)).toEqual([{ ok: false, failure: 'weight-out-of-range' }])
})

describe('pitfall 10: small cohorts', () => {
  const shown = (survivors: number[]) =>
    reasons(runSession({}, { shown: (_, step, honest) => (step === 'survivors' ? { ...honest, survivors } : honest) }))

  test('fewer survivors than agreed are refused; a client that is left out confirms nothing', () => {
    expect(shown([0, 1])).toEqual([
      'too-few-survivors',
      'too-few-survivors',
      'not-a-survivor',
      'not-a-survivor',
      'not-a-survivor',
    ])
  })

  test('fewer members than agreed are refused', () => {
    const run = runSession(
      {},
      {
        shown: (_, step, honest) => {
          if (step !== 'input') return honest
          const { members, coins, sealed, ...rest } = asMembers(honest)
          return {
            ...rest,
            members: members.slice(0, 3),
            coins: coins.slice(0, 3),
            sealed: sealed.slice(0, 2 * SEALED_CHARACTERS),
          }
        },
      },
    )
    expect(reasons(run)).toEqual([
      'too-few-clients',
      'too-few-clients',
      'too-few-clients',
      'not-a-member',
      'not-a-member',
    ])
    expect(run.uploads.size).toBe(0)
  })

  test('a cohort of invented clients does not count: known identities are asked for in every step', () => {
    const some = policyOf(namesOf(2)).known
    const run = (minKnown: number, lost: Parameters<typeof runSession>[1] = {}) =>
      reasons(runSession({}, { ...lost, policy: { known: some, minKnown } }))
    expect(run(2)).toEqual([])
    expect(run(3)).toEqual(Array(5).fill('too-few-known'))
    const without = (at: string) => ({ lost: (client: string, step: string) => client === nameOf(1) && step === at })
    expect(run(2, without('share'))).toEqual(Array(4).fill('too-few-known'))
    expect(run(2, without('input'))).toEqual(Array(4).fill('too-few-known'))
  })

  test('a bucket with one survivor is refused, and so is one full of strangers', () => {
    const buckets = {
      cohort: 8,
      graph: { kind: 'complete', threshold: 5 },
      weight: { min: 1, max: 1 },
      buckets: { size: 4, minSurvivors: 2 },
    } as const
    const input = () => ({ values: new Float64Array(9), weight: 1 })
    const honest = runSession(buckets, {}, input)
    const state = honest.before.survivors!.clients.get(nameOf(0))!
    if (state.phase !== 'masked') throw new Error(state.phase)
    const [own, other] = state.buckets[0]!.includes(0)
      ? [state.buckets[0]!, state.buckets[1]!]
      : [state.buckets[1]!, state.buckets[0]!]
    const shownTo = (survivors: readonly number[], policy = policyOf(namesOf(8))) =>
      confirmSurvivors(contextOf(nameOf(0), policy), state, {
        ...broadcastFor({ crypto }, honest.before.survivors!.state, nameOf(0)),
        survivors: [...survivors].sort((a, b) => a - b),
      })
    expect(shownTo([...own, ...other]).ok).toBe(true)
    expect(shownTo([0, ...other])).toMatchObject({ refusal: { reason: 'too-few-survivors' } })
    expect(shownTo([...own, other[0]!])).toMatchObject({ refusal: { reason: 'too-few-survivors' } })
    expect(shownTo(own).ok).toBe(true)
    const strangers = policyOf([nameOf(0), ...other.map(nameOf)], { minKnown: 3 })
    expect(shownTo([...own, ...other], strangers)).toMatchObject({ refusal: { reason: 'too-few-known' } })
  })
})

describe('pitfall 11: shares', () => {
  const withSealed = (change: (pieces: string[]) => string[]) =>
    runSession(
      {},
      {
        shown: (client, step, honest) => {
          if (step !== 'input' || client !== nameOf(0)) return honest
          const members = asMembers(honest)
          const pieces = members.sealed.match(new RegExp(`.{${SEALED_CHARACTERS}}`, 'g'))!
          return { ...members, sealed: change(pieces).join('') }
        },
      },
    ).refusals.get(nameOf(0))

  test('from another sender, changed or missing do not open', () => {
    const swapped = withSealed(([a, b, ...rest]) => [b!, a!, ...rest])
    expect(swapped).toMatchObject({ reason: 'sealed-share', client: nameOf(1) })
    const flipped = withSealed((pieces) =>
      pieces.map((piece, i) => (i === 2 ? piece.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) : piece)),
    )
    expect(flipped).toMatchObject({ reason: 'sealed-share', client: nameOf(3) })
    expect(withSealed((pieces) => pieces.slice(1))).toMatchObject({ reason: 'malformed' })
  })

  test('reflected to their sender do not open', () => {
    const run = runSession()
    const { state, clients } = run.before.input!
    const honest = asMembers(broadcastFor({ crypto }, state, nameOf(0)))
    const own = JSON.parse(Buffer.from(run.messages.get(`${nameOf(0)} share`)!.payload).toString()).sealed as string
    const sealed = own.slice(0, SEALED_CHARACTERS) + honest.sealed.slice(SEALED_CHARACTERS)
    const lanes = new Uint32Array(12)
    const result = maskInput(contextOf(nameOf(0), five), clients.get(nameOf(0))!, { ...honest, sealed }, lanes)
    expect(result).toMatchObject({ refusal: { reason: 'sealed-share', client: nameOf(1) } })
  })

  test('meant for another receiver do not open', () => {
    const run = runSession()
    const { state, clients } = run.before.input!
    const [mine, theirs] = [
      asMembers(broadcastFor({ crypto }, state, nameOf(0))),
      asMembers(broadcastFor({ crypto }, state, nameOf(1))),
    ]
    const stolen = theirs.sealed.slice(SEALED_CHARACTERS, 2 * SEALED_CHARACTERS)
    const sealed = mine.sealed.slice(0, SEALED_CHARACTERS) + stolen + mine.sealed.slice(2 * SEALED_CHARACTERS)
    const result = maskInput(
      contextOf(nameOf(0), five),
      clients.get(nameOf(0))!,
      { ...mine, sealed },
      new Uint32Array(12),
    )
    expect(result).toMatchObject({ refusal: { reason: 'sealed-share', client: nameOf(2) } })
  })

  test('a coin that is not the committed one names its owner', () => {
    const run = runSession(
      {},
      {
        shown: (_, step, honest) => {
          const changed = asMembers(honest)
          if (step === 'input') changed.coins[4] = '11'.repeat(32)
          return changed
        },
      },
    )
    expect(run.refusals.size).toBe(5)
    for (const refusal of run.refusals.values()) {
      expect(refusal).toMatchObject({ reason: 'coin-mismatch', client: nameOf(4) })
    }
  })

  const lying = (kind: 'selfShares' | 'maskShares', liars: readonly number[]) => ({
    sent: (client: string, step: string, message: Envelope) => {
      if (step !== 'unmask' || !liars.map(nameOf).includes(client)) return message
      const payload = JSON.parse(Buffer.from(message.payload).toString())
      const bytes = fromBase64(payload[kind])!
      return signMessage(keyOf(client), 'unmask', {
        ...payload,
        [kind]: toBase64(crypto.randomBytes(bytes.length)),
      })
    },
  })
  const nine = { cohort: 9, graph: { kind: 'complete', threshold: 6 } } as const

  test('a holder that lies is named, and the round survives', () => {
    const run = runSession(nine, lying('selfShares', [2]))
    expect(run.plan).toMatchObject({ ok: true, culprits: [nameOf(2)], closed: [] })
    expect(run.sums[0]!.lanes).toEqual(plainSum(run, namesOf(9)))
  })

  test('also about a dropped client, and with three liars', () => {
    const lost = (client: string, step: string) => client === nameOf(8) && step === 'input'
    const one = runSession(nine, { lost, ...lying('maskShares', [0]) })
    expect(one.plan).toMatchObject({ ok: true, culprits: expect.arrayContaining([nameOf(0)]) })
    expect(one.sums[0]!.lanes).toEqual(plainSum(one, namesOf(8)))
    const three = runSession(nine, lying('selfShares', [0, 3, 4]))
    expect(three.plan).toMatchObject({ ok: true, culprits: [nameOf(0), nameOf(3), nameOf(4)] })
    expect(three.sums[0]!.lanes).toEqual(plainSum(three, namesOf(9)))
  })

  test('more liars than can be told apart end the round with a typed failure', () => {
    const run = runSession(nine, lying('selfShares', [0, 1, 2, 3, 4]))
    expect(run.plan).toMatchObject({ ok: false, failure: { reason: 'unrecoverable' } })
    expect(run.sums).toEqual([])
  })
})

describe('pitfall 13: masks that do not cancel', () => {
  test('spoil the one sum, which is noticed', () => {
    const run = runSession(
      {},
      { lanes: (client, lanes) => client === nameOf(1) && lanes.set(new Uint32Array(crypto.randomBytes(48).buffer)) },
    )
    expect(run.sums[0]!.decoded.ok).toBe(false)
  })

  test('spoil one bucket only', () => {
    const buckets = {
      cohort: 8,
      graph: { kind: 'complete', threshold: 5 },
      weight: { min: 1, max: 1 },
      buckets: { size: 4, minSurvivors: 2 },
    } as const
    const run = runSession(
      buckets,
      { lanes: (client, lanes) => client === nameOf(1) && lanes.set(new Uint32Array(crypto.randomBytes(48).buffer)) },
      () => ({ values: new Float64Array(9), weight: 1 }),
    )
    expect(run.sums.length).toBe(2)
    for (const { survivors, decoded } of run.sums) expect(decoded.ok).toBe(!survivors.includes(nameOf(1)))
  })
})

describe('pitfall 17: nothing that a client sends tells its update', () => {
  test('an upload is uniform and shares no lane with what it hides', () => {
    const coordinates = 40_000
    const run = runSession({ coordinates }, {}, () => ({ values: new Float64Array(coordinates).fill(-1), weight: 1 }))
    for (const [name, upload] of run.uploads) {
      const plain = run.plain.get(name)!
      expect(upload.filter((lane, j) => lane === plain[j]).length).toBeLessThan(3)
      const counts = new Array<number>(256).fill(0)
      for (const lane of upload) counts[lane >>> 24]!++
      const chiSquare = counts.reduce(
        (all, found) => all + (found - upload.length / 256) ** 2 / (upload.length / 256),
        0,
      )
      expect(chiSquare).toBeLessThan(360)
    }
  })

  test('all secrets come from the source that was passed in: five times 32 bytes, before anything is sent', () => {
    const run = runSession()
    const drawn: string[] = []
    const configuration = signMessage(keyOf('coordinator'), 'configuration', run.configuration)
    const expected = {
      client: nameOf(0),
      coordinatorKey: keyOf('coordinator').publicKey,
      task: 'run-1',
      model: run.configuration.model,
      coordinates: 9,
      lastRound: 0,
    }
    const result = advertise(contextOf(nameOf(0), five), configuration, expected, (length) => {
      const bytes = crypto.randomBytes(length)
      drawn.push(toHex(bytes))
      return bytes
    })
    if (!result.ok) throw new Error(result.refusal.text)
    const { channelSecret, maskSeed, seed, coin, sharing } = result.state
    expect(drawn).toEqual([channelSecret, coin, sharing, maskSeed, seed])
    expect(new Set(drawn).size).toBe(5)
    const wire = Buffer.from(result.message.payload).toString()
    for (const secret of drawn) expect(wire).not.toContain(secret)
  })

  test('the same state and roster give the same shares: a step repeated after a crash reveals nothing new', () => {
    const run = runSession()
    const { state, clients } = run.before.share!
    const again = () =>
      shareKeys(contextOf(nameOf(3), five), clients.get(nameOf(3))!, broadcastFor({ crypto }, state, nameOf(3)))
    const [one, two] = [again(), again()]
    expect(one.ok).toBe(true)
    expect(one).toEqual(two)
  })
})
