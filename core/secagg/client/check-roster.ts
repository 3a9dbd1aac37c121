import type { Crypto } from '../../crypto/primitives.ts'
import { fromBase64, toHex } from '../../encoding/bytes.ts'
import { bytes32, isSmallOrder } from '../bytes32.ts'
import type { SessionConfiguration } from '../configuration.ts'
import { type RosterBroadcast, type RosterRow, signedBy } from '../messages.ts'
import type { ClientPolicy } from '../policy.ts'
import { type Refusal, refuse } from '../refusal.ts'
import type { Advertised, ClientContext } from './state.ts'

/** Everything that a client asks of a roster before it shares a secret with those in it. Signatures, the slowest, come last. */
export function checkRoster(
  context: ClientContext,
  state: Advertised,
  { rows, coin, beacon, config }: RosterBroadcast,
): Refusal | undefined {
  return (
    checkRows(state, rows) ??
    checkChance(context, state.configuration, coin, beacon) ??
    checkKnown(context.policy, rows) ??
    checkSignatures(context.crypto, state, rows, config)
  )
}

function checkRows({ configuration, row, client }: Advertised, rows: readonly RosterRow[]): Refusal | undefined {
  const { graph, minimum, cohort } = configuration
  const least = Math.max(graph.threshold, minimum, graph.kind === 'regular' ? graph.degree + 1 : 0)
  if (rows.length < least) return refuse('too-few-clients', `${rows.length} of at least ${least}`)
  if (rows.length > cohort) return refuse('malformed', `a roster of ${rows.length} for a cohort of ${cohort}`)
  for (let i = 1; i < rows.length; i++) {
    if ((rows[i - 1] as RosterRow).client >= (rows[i] as RosterRow).client) return refuse('roster-order')
  }
  const own = rows.find((one) => one.client === client)
  if (own === undefined || fields(own).join() !== fields(row).join()) return refuse('own-row')
  const weak = rows.find((one) => isSmallOrder(one.channelKey) || isSmallOrder(one.maskKey))
  if (weak !== undefined) return refuse('weak-key', undefined, weak.client)
  const values = rows.flatMap((one) => fields(one).slice(1))
  return new Set(values).size === values.length ? undefined : refuse('repeated-key')
}

function fields(row: RosterRow): string[] {
  return [row.client, row.identityKey, row.channelKey, row.maskKey, row.seedHash, row.coinHash]
}

function checkChance(
  context: ClientContext,
  configuration: SessionConfiguration,
  coin: string,
  beacon: string | null,
): Refusal | undefined {
  if (toHex(context.crypto.sha256(bytes32(coin))) !== configuration.coin) {
    return refuse('coin-mismatch', 'the coordinator’s')
  }
  const read = configuration.beacon === null ? null : context.beacon
  return beacon === read ? undefined : refuse('beacon-mismatch')
}

function checkKnown(policy: ClientPolicy, rows: readonly RosterRow[]): Refusal | undefined {
  for (const { client, identityKey } of rows) {
    if (Object.hasOwn(policy.known, client) && policy.known[client] !== identityKey) {
      return refuse('known-identity', undefined, client)
    }
  }
  return fewKnown(rows, policy, policy.minKnown)
}

/** Known identities are those of this client's own list. Their rows' signatures were or will be verified. */
export function fewKnown(rows: readonly RosterRow[], { known }: ClientPolicy, least: number): Refusal | undefined {
  const count = rows.filter((row) => Object.hasOwn(known, row.client) && known[row.client] === row.identityKey).length
  return count >= least ? undefined : refuse('too-few-known', `${count} of at least ${least}`)
}

function checkSignatures(
  crypto: Crypto,
  { client }: Advertised,
  rows: readonly RosterRow[],
  config: string,
): Refusal | undefined {
  for (const { signature, ...row } of rows) {
    if (row.client === client) continue
    const bytes = fromBase64(signature)
    const genuine = bytes && signedBy(crypto, bytes32(row.identityKey), 'advertise', { v: 1, config, ...row }, bytes)
    if (!genuine) return refuse('bad-signature', undefined, row.client)
  }
  return undefined
}
