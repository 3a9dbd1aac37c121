import { toBase64, toHex } from '../../encoding/bytes.ts'
import { bytes32 } from '../bytes32.ts'
import { configHashOf } from '../configuration.ts'
import { type RosterRow, rosterBroadcastSchema, SEALED_BYTES, signMessage } from '../messages.ts'
import { refuse } from '../refusal.ts'
import { pointOf, rosterHashOf } from '../roster.ts'
import { sealShares, shareKey } from '../sealed-share.ts'
import { seedBytes } from '../seeds.ts'
import { maskContextOf, sessionTopology } from '../session.ts'
import { sharingBytes, splitSecret } from '../shamir.ts'
import { transcript } from '../transcript.ts'
import { checkRoster } from './check-roster.ts'
import { inbound } from './inbound.ts'
import type { Advertised, ClientContext, ClientState, Shared, Transition } from './state.ts'

/**
 * Step R1: checks the roster, shares both seeds among the holders, and seals to each its pair.
 * `broadcast` is the roster as it came, parsed from JSON. The same state and roster give the same message.
 */
export function shareKeys(context: ClientContext, state: ClientState, broadcast: unknown): Transition<Shared> {
  if (state.phase !== 'advertised') return { ok: false, refusal: refuse('wrong-phase') }
  const { crypto, signingKey } = context
  const { configuration, client } = state
  const configHash = configHashOf(crypto, configuration)
  const received = inbound(rosterBroadcastSchema, broadcast, configHash)
  if (!received.ok) return received
  const refusal = checkRoster(context, state, received.value)
  if (refusal !== undefined) return { ok: false, refusal }

  const { rows, coin, beacon } = received.value
  const rosterHash = toHex(rosterHashOf(crypto, configHash, rows))
  const index = rows.findIndex((row) => row.client === client)
  const session = { configuration, client, index, rosterHash, rows, opened: { coin, beacon } }
  const dealt = deal(context, state, session)
  if (!dealt.ok) return dealt
  const message = signMessage(signingKey, 'share', {
    v: 1,
    roster: rosterHash,
    client,
    coin: state.coin,
    sealed: dealt.sealed,
  })
  const { maskSeed, seed } = state
  const { inbox, own } = dealt
  return { ok: true, state: { phase: 'shared', ...session, maskSeed, seed, inbox, own }, message }
}

type Dealt = { readonly ok: true; readonly sealed: string } & Pick<Shared, 'inbox' | 'own'>

function deal(
  { crypto }: ClientContext,
  state: Advertised,
  session: Omit<Shared, 'phase' | 'maskSeed' | 'seed' | 'inbox' | 'own'>,
): Dealt | Extract<Transition<Shared>, { ok: false }> {
  const { index, rows } = session
  const context = maskContextOf(crypto, session)
  const { threshold } = state.configuration.graph
  const holders = sessionTopology(crypto, session).holdersOf(index)
  const points = holders.map(pointOf)
  const shares = (seed: string, name: string) => {
    const info = transcript('polynomial', context.configHash, context.rosterHash, name)
    const key = crypto.hkdf(bytes32(state.sharing), context.session, info, 32)
    const coefficients = crypto.keystream(key).next(sharingBytes(threshold))
    return splitSecret(seedBytes(seed), threshold, points, coefficients)
  }
  const mask = shares(state.maskSeed, 'mask')
  const self = shares(state.seed, 'self')

  const channel = crypto.agreementKey(bytes32(state.channelSecret))
  const sealed = new Uint8Array(SEALED_BYTES * holders.filter((holder) => holder !== index).length)
  const inbox: string[] = []
  let own: Shared['own'] = null
  for (const [i, holder] of holders.entries()) {
    const pair = { mask: mask[i] as Uint8Array, self: self[i] as Uint8Array }
    if (holder === index) {
      own = { mask: toHex(pair.mask), self: toHex(pair.self) }
      continue
    }
    const row = rows[holder] as RosterRow
    const shared = channel.agree(bytes32(row.channelKey))
    if (shared === undefined) return { ok: false, refusal: refuse('weak-key', undefined, row.client) }
    const out = { from: index, to: holder }
    const into = sealed.subarray(SEALED_BYTES * inbox.length)
    sealShares(crypto, context, shareKey(crypto, context, shared, out), out, pair, into)
    inbox.push(toHex(shareKey(crypto, context, shared, { from: holder, to: index })))
  }
  return { ok: true, sealed: toBase64(sealed), inbox, own }
}
