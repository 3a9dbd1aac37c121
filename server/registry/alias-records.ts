import {
  ALIAS_PAYLOAD_TYPE,
  type AliasRecord,
  aliasPayload,
  readAliasRecord,
  type SeenAliasRecord,
} from '../../core/attestation/alias-record.ts'
import type { Rollout } from '../../core/attestation/canary.ts'
import { dsseBytes, parseDsse } from '../../core/attestation/dsse.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import { preAuthenticationEncoding } from '../../core/crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import type { AliasMove, VersionRecord } from '../store/ports.ts'
import { manifestIn } from './published.ts'

export type AliasSigning = {
  readonly crypto: Pick<Crypto, 'sha256'>
  readonly key: SigningKey
  readonly now: () => number
}

/** How long a record is believed: consumers that are kept from newer ones know after this. */
export const ALIAS_LIFETIME_MS = 30 * 24 * 60 * 60 * 1000

export type Move = {
  readonly version: VersionRecord
  readonly alias: string
  readonly last: AliasMove | undefined
  readonly reason: string
  readonly actor: string
  readonly rollout?: Rollout | undefined
}

/** The signed record of a move of an alias, after its last one. */
export function moveRecord(
  { crypto, key, now }: AliasSigning,
  { version, alias, last, reason, actor, rollout }: Move,
): Pick<AliasMove, 'reason' | 'at' | 'actor' | 'envelope'> {
  const at = now()
  const before = last === undefined || last.envelope === '' ? undefined : recordIn(crypto, last.envelope)
  const payload = aliasPayload({
    v: 1,
    model: version.model,
    alias,
    sequence: (before?.record.sequence ?? 0) + 1,
    number: version.number,
    root: manifestIn(version.envelope).root,
    previous: before?.sha256 ?? null,
    reason,
    actor,
    at: timestampOf(at),
    expires: timestampOf(at + ALIAS_LIFETIME_MS),
    ...(rollout === undefined ? {} : { rollout }),
  })
  const signature = key.sign(preAuthenticationEncoding(ALIAS_PAYLOAD_TYPE, payload))
  const envelope = dsseBytes({ payloadType: ALIAS_PAYLOAD_TYPE, payload, signatures: [signature] })
  return { reason, actor, at: new Date(at).toISOString(), envelope: fromUtf8(envelope) }
}

/** The record in an envelope that this registry has signed. */
export function recordIn(crypto: Pick<Crypto, 'sha256'>, envelope: string): SeenAliasRecord {
  return readAliasRecord(crypto, parseDsse(utf8(envelope)).payload)
}

export type { AliasRecord }
