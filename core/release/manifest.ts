import { z } from 'zod'
import { utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { metricNames } from '../metrics/metrics.ts'
import { byteCountField, digestField, idField, roundField } from '../run/fields.ts'

/** A decimal number as text, so that no reader rounds it differently: what ECMAScript writes for the double. */
const decimalField = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?$/, 'a decimal number')

/** RFC 3339, UTC, with milliseconds. */
const timeField = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time in UTC')

const countField = z.number().int().min(0).max(1_000_000)

const gateField = z.strictObject({
  gate: z.string().min(1).max(200),
  metric: z.enum(metricNames),
  verdict: z.enum(['pass', 'fail', 'not-evaluable']),
  value: decimalField.nullable(),
  bound: decimalField.nullable(),
  explanation: z.string().max(1_000),
})

const metricsField = z.strictObject({
  rows: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  loss: decimalField.nullable(),
  accuracy: decimalField.nullable(),
  precision: decimalField.nullable(),
  recall: decimalField.nullable(),
  f1: decimalField.nullable(),
  auc: decimalField.nullable(),
})

/**
 * What is signed of a version: which weights, from which plan, run and round, made of how many updates by which rule,
 * and what the gates said. The signed bytes are its canonical JSON.
 */
export const manifestSchema = z.strictObject({
  v: z.literal(1),
  model: idField,
  number: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** SHA-256 of `model.safetensors`, and its length. */
  weights: digestField,
  weightsBytes: byteCountField,
  /** SHA-256 of the canonical layout. */
  layout: digestField,
  /** Float32 values of the flat vector. */
  parameters: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  /** SHA-256 of the plan's canonical form. */
  plan: digestField,
  run: idField,
  round: roundField,
  /** The version whose weights the run started from; null when it started from new ones. */
  parent: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).nullable(),
  /** SHA-256 of the model file that the run started from. */
  base: digestField,
  /** Name of the aggregation rule. */
  rule: z.string().min(1).max(100),
  /** How many clients were in the round's cohort, and what became of their updates. */
  clients: z.strictObject({ invited: countField, accepted: countField, refused: countField }),
  /** Over the held-out rows of all clients that answered; null when the round was not evaluated. */
  metrics: metricsField.nullable(),
  gates: z.array(gateField).max(100),
  /** Differential privacy of all rounds up to this version; absent where no noise was added. */
  privacy: z
    .strictObject({
      epsilon: decimalField,
      delta: decimalField,
      /** Rounds that were paid for. */
      rounds: countField,
      mechanism: z.enum(['gaussian', 'distributed-discrete-gaussian', 'tree']),
      neighbours: z.enum(['add-or-remove', 'replace']),
    })
    .optional(),
  publishedAt: timeField,
  /** The version of the program that published. */
  parleyVersion: z.string().min(1).max(100),
})
export type Manifest = z.infer<typeof manifestSchema>

/** The bytes that are signed, which are also the file `manifest.json`. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return utf8(canonicalJsonOfDefined(manifest))
}

/** The names of a version's files in a folder. */
export const versionFiles = {
  weights: 'model.safetensors',
  manifest: 'manifest.json',
  envelope: 'manifest.dsse.json',
} as const
