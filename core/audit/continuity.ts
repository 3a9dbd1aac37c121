import type { Crypto } from '../crypto/primitives.ts'
import { fromHex, toHex } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { readCheckpoint, type SeenCheckpoint } from './checkpoint.ts'

/** A checkpoint of the coordinator’s log that a client has kept. */
export type KeptCheckpoint = {
  /** Ed25519 key that signed it, lower-case hex. */
  readonly publicKey: string
  /** A line of a file of checkpoints, without its newline. */
  readonly line: string
}

/** What a coordinator says of its log. */
export type ToldState = {
  readonly publicKey: Uint8Array
  /** Its newest checkpoint, a line. */
  readonly newest: string
  /** A checkpoint of the record that the client’s is of; undefined where there is none. */
  readonly held: string | undefined
}

/** How many records a kept checkpoint covers; 0 for none. Throws `verify.failed` where it is damaged. */
export async function recordsKept(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  coordinator: string,
  kept: KeptCheckpoint | undefined,
): Promise<number> {
  return ((await keptOf(crypto, coordinator, kept))?.checkpoint.seq ?? -1) + 1
}

/**
 * Whether what the coordinator (its key, lower-case hex) says of its log goes on from what the client has kept: the same head at the
 * record that was kept, under the same key, and no fewer records. Resolves with what is to be kept from now on. Throws `audit.fork`.
 */
export async function checkContinuity(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  coordinator: string,
  kept: KeptCheckpoint | undefined,
  told: ToldState | undefined,
): Promise<KeptCheckpoint | undefined> {
  const before = await keptOf(crypto, coordinator, kept)
  if (told === undefined) {
    if (before === undefined) return undefined
    throw fork('the coordinator says nothing of its audit log any more')
  }
  if (before !== undefined && kept?.publicKey !== toHex(told.publicKey)) throw fork('its audit log has another key')
  const newest = await read(crypto, told.publicKey, told.newest)
  if (newest.checkpoint.federation !== coordinator) throw fork('the audit log that it shows is of another coordinator')
  if (before !== undefined) {
    const { seq, head } = before.checkpoint
    if (newest.checkpoint.seq < seq) {
      throw fork(`its audit log has a checkpoint of record ${newest.checkpoint.seq}, and one of ${seq} was seen before`)
    }
    const held = told.held === undefined ? undefined : await read(crypto, told.publicKey, told.held)
    if (held?.checkpoint.seq !== seq || held.checkpoint.head !== head || held.checkpoint.federation !== coordinator) {
      throw fork(`its audit log has not the record ${seq} that was seen before`)
    }
    if (newest.checkpoint.seq === seq && newest.checkpoint.head !== head) {
      throw fork(`its audit log has another record ${seq} than was seen before`)
    }
    if (newest.checkpoint.seq === seq) return kept
  }
  return { publicKey: toHex(told.publicKey), line: told.newest }
}

/** What was kept of another coordinator says nothing of this one. */
async function keptOf(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  coordinator: string,
  kept: KeptCheckpoint | undefined,
): Promise<SeenCheckpoint | undefined> {
  if (kept === undefined) return undefined
  const seen = await readCheckpoint(crypto, fromHex(kept.publicKey) ?? new Uint8Array(0), kept.line)
  return seen.checkpoint.federation === coordinator ? seen : undefined
}

async function read(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  line: string,
): Promise<SeenCheckpoint> {
  try {
    return await readCheckpoint(crypto, publicKey, line)
  } catch (cause) {
    throw new ParleyError('audit.fork', 'what the coordinator says of its audit log is not signed by the log’s key', {
      cause,
    })
  }
}

function fork(message: string): ParleyError {
  return new ParleyError('audit.fork', message)
}
