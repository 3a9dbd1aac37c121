import { readCheckpoint } from '../core/audit/checkpoint.ts'
import type { FileLine } from '../core/audit/problem.ts'
import { type AuditSources, verifyAudit } from '../core/audit/verify.ts'
import type { Crypto } from '../core/crypto/primitives.ts'
import { ParleyError } from '../core/errors/index.ts'

/** One side of a comparison: a whole log, or checkpoints of one that somebody has kept. */
export type Side =
  | { readonly kind: 'log'; readonly name: string; readonly sources: AuditSources }
  | { readonly kind: 'checkpoints'; readonly name: string; readonly lines: readonly FileLine[] }

export type Comparison = {
  readonly federation: string
  /** Records of which both sides say something: how many, and the newest. */
  readonly compared: number
  readonly newest: number
}

type Heads = { readonly federation: string; readonly heads: ReadonlyMap<number, string> }

/**
 * Whether two sides speak of one history: wherever both name the head after a record, it is the same. Both are verified by the
 * key first. Throws `audit.fork` with the first record that differs, `audit.corrupt` for a side that is not whole, and
 * `request.invalid` where the sides have no record in common.
 */
export async function compareHistories(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  [left, right]: readonly [Side, Side],
): Promise<Comparison> {
  const a = await headsOf(crypto, publicKey, left)
  const b = await headsOf(crypto, publicKey, right)
  if (a.federation !== b.federation) {
    throw new ParleyError('request.invalid', `${left.name} is of ${a.federation}, and ${right.name} of ${b.federation}`)
  }
  const common = [...a.heads.keys()].filter((seq) => b.heads.has(seq)).sort((x, y) => x - y)
  const newest = common.at(-1)
  if (newest === undefined) {
    throw new ParleyError('request.invalid', `${left.name} and ${right.name} speak of no record in common`)
  }
  const differs = common.find((seq) => a.heads.get(seq) !== b.heads.get(seq))
  if (differs !== undefined) {
    const message = `${left.name} and ${right.name} have two histories up to record ${differs}, each signed`
    throw new ParleyError('audit.fork', message, { details: { seq: differs } })
  }
  return { federation: a.federation, compared: common.length, newest }
}

async function headsOf(crypto: Pick<Crypto, 'sha256' | 'verify'>, publicKey: Uint8Array, side: Side): Promise<Heads> {
  const heads = new Map<number, string>()
  if (side.kind === 'checkpoints') {
    let federation: string | undefined
    for (const { text, line } of side.lines) {
      const { checkpoint } = await readCheckpoint(crypto, publicKey, text).catch((cause: unknown) => {
        const { message } = ParleyError.from(cause)
        throw new ParleyError('audit.corrupt', `${side.name}, line ${line}: ${message}`, { cause })
      })
      federation ??= checkpoint.federation
      if (checkpoint.federation !== federation) {
        throw new ParleyError('audit.corrupt', `${side.name}, line ${line}: it is of another log than those before it`)
      }
      heads.set(checkpoint.seq, checkpoint.head)
    }
    if (federation === undefined) throw new ParleyError('request.invalid', `${side.name} has no checkpoint`)
    return { federation, heads }
  }
  let seq = 0
  const { problem, federation, covered } = await verifyAudit(crypto, publicKey, side.sources, ({ head }) => {
    heads.set(seq++, head)
  })
  if (problem !== undefined) {
    throw new ParleyError('audit.corrupt', `${side.name}: ${problem.file}, line ${problem.line}: ${problem.message}`)
  }
  if (federation === undefined || covered === undefined) {
    throw new ParleyError('request.invalid', `${side.name} has no checkpoint: nobody has signed its records`)
  }
  // What no checkpoint covers, whoever has the folder could have written.
  for (const after of heads.keys()) if (after > covered) heads.delete(after)
  return { federation, heads }
}
