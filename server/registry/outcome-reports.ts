import { dsseBytes, parseDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import {
  acceptOutcomes,
  OUTCOMES_PAYLOAD_TYPE,
  type Outcomes,
  type OutcomesRefusal,
  readOutcomes,
} from '../../core/rollout/outcomes.ts'
import { added, isPossible } from '../../core/rollout/totals.ts'
import type { Records } from '../store/ports.ts'
import { type ActiveRollout, sideOf } from './rollout-view.ts'
import { Tally } from './tally.ts'

/** A report whose signature is good, and not yet whether it counts. */
export type SignedOutcomes = { readonly report: Outcomes; readonly sha256: string; readonly envelope: string }

/**
 * Reads a report and holds it against the key that its consumer is listed with. Throws `outcomes.invalid` and
 * `outcomes.unlisted`. Nothing that it says is believed before.
 */
export async function verifyReport(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  body: Uint8Array,
  keyOf: (consumer: string) => Uint8Array | undefined,
): Promise<SignedOutcomes> {
  const reading = <Result>(work: () => Result): Result => {
    try {
      return work()
    } catch (cause) {
      throw invalid(cause instanceof Error ? cause.message : 'it cannot be read', cause)
    }
  }
  const envelope = reading(() => parseDsse(body, { maxBytes: body.length }))
  // Whose report it claims to be says whose key it must be by.
  const { consumer } = reading(() => readOutcomes(envelope.payload))
  const key = keyOf(consumer)
  if (key === undefined) throw new ParleyError('outcomes.unlisted')
  const verify = (message: Uint8Array, signature: Uint8Array) => crypto.verify(key, message, signature)
  const payload = await verifyDsse(envelope, OUTCOMES_PAYLOAD_TYPE, verify).catch((cause: unknown) => {
    throw invalid('it is not signed with the key that is listed for its consumer', cause)
  })
  return {
    report: readOutcomes(payload),
    sha256: toHex(crypto.sha256(payload)),
    envelope: fromUtf8(dsseBytes(envelope)),
  }
}

const refusals = { replayed: 'outcomes.replayed', gap: 'outcomes.gap' } as const satisfies Partial<
  Record<OutcomesRefusal, ParleyError['code']>
>

/**
 * Whether a signed report is to be counted; false where it was, as the last of its consumer. Throws what is wrong with it by
 * name.
 */
export function checkReport(
  crypto: Pick<Crypto, 'sha256'>,
  active: ActiveRollout,
  tally: Tally,
  { report, sha256 }: SignedOutcomes,
  now: number,
): boolean {
  const { consumer, sequence, versions } = report
  const last = tally.lastOf(consumer)
  const acceptance = acceptOutcomes(last, report, { sha256, since: active.startedAt, now })
  if (!acceptance.accepted) {
    const { refusal } = acceptance
    const number = (last?.sequence ?? 0) + 1
    const next = `report ${sequence} of ${consumer}; the next has the number ${number}`
    const when = `${report.from} to ${report.to} overlaps the last report, is to come, or was before the rollout`
    if (refusal === 'time') throw invalid(when)
    // So that a consumer that has lost count can go on.
    const details = { next: number, ...(last === undefined ? {} : { to: last.to }) }
    throw new ParleyError(refusals[refusal], next, { details })
  }
  if (acceptance.repeated) return false
  // A consumer that could speak for both sides would spoil the one and praise the other.
  const side = sideOf(crypto, active, consumer)
  if (versions.some(({ number }) => number !== side)) {
    throw new ParleyError('outcomes.other-side', `${consumer} gets version ${side} of ${active.model}`)
  }
  for (const { number, ...counts } of versions) {
    if (isPossible(added(tally.totalsOf(number, consumer), counts))) continue
    throw invalid('more truths or opinions than requests were reported')
  }
  return true
}

/** The tally of a rollout from all its reports, which were checked when they came. */
export async function tallyOf(
  records: Pick<Records, 'outcomes'>,
  { model, rollout, since }: ActiveRollout,
): Promise<Tally> {
  const tally = new Tally(since)
  for (const { envelope, sha256, at } of await records.outcomes(model, rollout.id)) {
    tally.add(readOutcomes(parseDsse(utf8(envelope)).payload), sha256, Date.parse(at))
  }
  return tally
}

function invalid(why: string, cause?: unknown): ParleyError {
  return new ParleyError('outcomes.invalid', why, { cause })
}
