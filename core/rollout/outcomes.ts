import { z } from 'zod'
import { readCanonical, writeCanonical } from '../attestation/json-payload.ts'
import { timestampField } from '../attestation/time.ts'
import { idField } from '../run/fields.ts'
import { LATENCY_BINS } from './latency-grid.ts'

/** What reports of consumers are signed as, by the consumer's Ed25519 key. */
export const OUTCOMES_PAYLOAD_TYPE = 'application/vnd.parley.outcomes+json'

/** The most that one number of a report may be; a million reports of it still add up exactly. */
export const MAX_COUNT = 1_000_000_000
const MAX_SEQUENCE = 1_000_000

const count = z.int().min(0).max(MAX_COUNT)

/** What one consumer counted of one version since its last report. Everything adds up over reports. */
const countsSchema = z.strictObject({
  number: z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** Requests that were answered or failed. */
  requests: count,
  /** Of those, how many failed. */
  errors: count,
  /** How long answers took, on the grid of `latency-grid.ts`. */
  latencyMs: z.strictObject({ bins: z.array(count).length(LATENCY_BINS) }).optional(),
  /** Answers whose truth has become known. */
  confusion: z.strictObject({ tp: count, fp: count, tn: count, fn: count }).optional(),
  /** Answers of which somebody has said whether they were any good. */
  outcomes: z.strictObject({ good: count, bad: count }).optional(),
})
export type VersionCounts = z.output<typeof countsSchema>

/** A consumer's report: counts alone, no request, no answer, nobody's data. */
export const outcomesSchema = z
  .strictObject({
    v: z.literal(1),
    model: idField,
    consumer: idField,
    /** The rollout that the counts belong to, by its id in the alias record. */
    rollout: idField,
    /** 1, 2, 3 … per consumer and rollout. */
    sequence: z.int().min(1).max(MAX_SEQUENCE),
    /** When counting began and ended, UTC. The next report begins where this one ends, or later. */
    from: timestampField,
    to: timestampField,
    versions: z.array(countsSchema).min(1).max(2),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { message: 'it ends before it begins' })
  .refine(({ versions }) => new Set(versions.map(({ number }) => number)).size === versions.length, {
    message: 'a version stands twice',
  })
  .refine(({ versions }) => versions.every(({ requests, errors }) => errors <= requests), {
    message: 'more errors than requests',
  })
  .refine(({ versions }) => versions.every(({ requests, latencyMs }) => sum(latencyMs?.bins ?? []) <= requests), {
    message: 'more latencies than requests',
  })
export type Outcomes = z.output<typeof outcomesSchema>

const WHAT = 'a report of outcomes'

/** The payload to be signed, in canonical JSON. Throws `request.invalid`. */
export function outcomesPayload(report: z.input<typeof outcomesSchema>): Uint8Array {
  return writeCanonical(outcomesSchema, report, WHAT)
}

/** Reads the payload of a report. Throws `verify.failed`. */
export function readOutcomes(payload: Uint8Array): Outcomes {
  return readCanonical(outcomesSchema, payload, WHAT)
}

/** What is remembered of a consumer's last report of a rollout. */
export type LastOutcomes = { readonly sequence: number; readonly sha256: string; readonly to: string }

export type OutcomesRefusal =
  /** It, or a later one, was taken before. */
  | 'replayed'
  /** One before it is missing. */
  | 'gap'
  /** Its time overlaps that of the last one, is to come, or is from before the rollout. */
  | 'time'

export type OutcomesAcceptance =
  /** `repeated`: the very report that was taken last, which is not counted twice. */
  | { readonly accepted: true; readonly repeated: boolean }
  | { readonly accepted: false; readonly refusal: OutcomesRefusal }

/** How far the clock of a consumer may be off, in milliseconds. */
const SKEW_MS = 300_000

/**
 * Whether a report follows the last one of its consumer. `since`: when the rollout began; `now`: both in milliseconds since the
 * epoch. `sha256`: of the payload.
 */
export function acceptOutcomes(
  last: LastOutcomes | undefined,
  { sequence, from, to }: Pick<Outcomes, 'sequence' | 'from' | 'to'>,
  { sha256, since, now }: { readonly sha256: string; readonly since: number; readonly now: number },
): OutcomesAcceptance {
  const refused = (refusal: OutcomesRefusal): OutcomesAcceptance => ({ accepted: false, refusal })
  const before = last?.sequence ?? 0
  if (last !== undefined && sequence === before && sha256 === last.sha256) return { accepted: true, repeated: true }
  if (sequence <= before) return refused('replayed')
  if (sequence > before + 1) return refused('gap')
  if (last !== undefined && Date.parse(from) < Date.parse(last.to)) return refused('time')
  // A clock that says nothing is no reason to believe: hence the form of these two.
  if (!(Date.parse(from) >= since - SKEW_MS)) return refused('time')
  if (!(Date.parse(to) <= now + SKEW_MS)) return refused('time')
  return { accepted: true, repeated: false }
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
