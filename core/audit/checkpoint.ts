import { z } from 'zod'
import { dsseBytes, parseDsse, signDsse, verifyDsse } from '../attestation/dsse.ts'
import { readCanonical, writeCanonical } from '../attestation/json-payload.ts'
import type { Crypto, SigningKey } from '../crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { digestField } from '../run/fields.ts'
import { auditIdField, instantField, sequenceField } from './record.ts'

/** What checkpoints are signed as. The audit key signs nothing else. */
export const AUDIT_CHECKPOINT_TYPE = 'application/vnd.parley.audit-checkpoint+json'

/** Longest line of a file of checkpoints, in bytes. */
export const CHECKPOINT_BYTES = 4 * 1024

/** The signed word that the log of a federation had this head after record `seq`. */
export const checkpointSchema = z.strictObject({
  at: instantField,
  federation: auditIdField,
  head: digestField,
  /** SHA-256 of the payload of the checkpoint before; absent from the first. So none can be taken out from between. */
  previous: digestField.optional(),
  seq: sequenceField,
  v: z.literal(1),
})
export type Checkpoint = z.output<typeof checkpointSchema>

/** A checkpoint with the SHA-256 of its payload, which the next one names. */
export type SeenCheckpoint = { readonly checkpoint: Checkpoint; readonly sha256: string }

/** An Ed25519 key that signs checkpoints and cannot be asked for anything else. */
export interface CheckpointSigner {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** A line for the file of checkpoints, without its newline: the DSSE envelope in canonical JSON. */
  sign(checkpoint: Checkpoint): Promise<string>
}

export function checkpointSigner(key: SigningKey): CheckpointSigner {
  return {
    publicKey: key.publicKey,
    sign: async (checkpoint) => {
      const payload = writeCanonical(checkpointSchema, checkpoint, WHAT)
      return fromUtf8(dsseBytes(await signDsse(key, AUDIT_CHECKPOINT_TYPE, payload)))
    },
  }
}

/** Reads a line of a file of checkpoints that the key has signed. Throws `verify.failed`. */
export async function readCheckpoint(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  line: string,
): Promise<SeenCheckpoint> {
  const envelope = parseDsse(utf8(line), { maxBytes: CHECKPOINT_BYTES, canonical: true })
  if (envelope.signatures.length !== 1) throw new ParleyError('verify.failed', `${WHAT} has one signature`)
  const verify = (message: Uint8Array, signature: Uint8Array) => crypto.verify(publicKey, message, signature)
  const payload = await verifyDsse(envelope, AUDIT_CHECKPOINT_TYPE, verify)
  return { checkpoint: readCanonical(checkpointSchema, payload, WHAT), sha256: toHex(crypto.sha256(payload)) }
}

/** Why a checkpoint does not follow another, of the same log; undefined where it does. */
export function checkpointFault(
  before: SeenCheckpoint | undefined,
  { checkpoint }: SeenCheckpoint,
): string | undefined {
  const { federation, previous, seq } = checkpoint
  if (before !== undefined && before.checkpoint.federation !== federation) {
    return `it is of the log of ${federation}, and not of ${before.checkpoint.federation}`
  }
  if (previous !== before?.sha256) return 'it does not follow the checkpoint before it'
  if (before !== undefined && seq <= before.checkpoint.seq) return 'it is of no later record than the one before it'
  return undefined
}

const WHAT = 'a checkpoint'
