import { z } from 'zod'
import { compareCodePoints, isPortable } from '../attestation/model-signing/names.ts'
import { utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { gateMeasures } from '../metrics/named.ts'
import { byteCountField, digestField, idField, roundField } from '../run/fields.ts'

/** A decimal number as text, so that no reader rounds it differently: what ECMAScript writes for the double. */
const decimalField = z.string().regex(/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]\d+)?$/, 'a decimal number')

/** RFC 3339, UTC, with milliseconds. */
const timeField = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'a time in UTC')

const countField = z.number().int().min(0).max(1_000_000)

const rowsField = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const gateField = z.strictObject({
  gate: z.string().min(1).max(200),
  metric: z.enum(gateMeasures),
  verdict: z.enum(['pass', 'fail', 'not-evaluable']),
  value: decimalField.nullable(),
  bound: decimalField.nullable(),
  explanation: z.string().max(1_000),
  // Absent in manifests from before they were known.
  n: rowsField.optional(),
  interval: z.strictObject({ low: decimalField, high: decimalField, confidence: decimalField }).optional(),
  hard: z.literal(true).optional(),
  // Of gates that are decided on rows that the coordinator holds.
  holdout: z.strictObject({ sha256: digestField, rows: rowsField, looks: countField }).optional(),
})

const metricsField = z.strictObject({
  rows: rowsField,
  loss: decimalField.nullable(),
  accuracy: decimalField.nullable(),
  precision: decimalField.nullable(),
  recall: decimalField.nullable(),
  f1: decimalField.nullable(),
  auc: decimalField.nullable(),
  // Absent in manifests from before they were known.
  balancedAccuracy: decimalField.nullable().optional(),
  specificity: decimalField.nullable().optional(),
  prAuc: decimalField.nullable().optional(),
  calibrationError: decimalField.nullable().optional(),
  brier: decimalField.nullable().optional(),
  // Of numeric labels, of which the others are null.
  mae: decimalField.nullable().optional(),
  rmse: decimalField.nullable().optional(),
  mse: decimalField.nullable().optional(),
  r2: decimalField.nullable().optional(),
  bias: decimalField.nullable().optional(),
  medianAbsoluteError: decimalField.nullable().optional(),
})

/** A file of a version: where it lies in the version's folder, and what it holds. */
const fileField = z.strictObject({
  path: z.string().max(500).refine(isPortable, 'a relative path of letters, digits, dots, dashes and underscores'),
  sha256: digestField,
  bytes: byteCountField,
})
export type VersionFile = z.infer<typeof fileField>

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
  /** Of plans that hide single training rows: what all rounds of the run cost them, at that one of `clients` where it is most, by their own word. */
  records: z.strictObject({ epsilon: decimalField, delta: decimalField, clients: countField }).optional(),
  /** Root digest of the folder `model/` (OpenSSF Model Signing): what the version is known by. */
  root: digestField,
  /** The release key that signed that folder: ECDSA, SubjectPublicKeyInfo in PEM. */
  releaseKey: z.string().max(2_000),
  /** All files of the version but this manifest and its envelope, in the order of their paths. */
  files: z
    .array(fileField)
    .min(1)
    .max(10_000)
    .refine(
      (files) => files.every(({ path }, i) => i === 0 || compareCodePoints(files[i - 1]?.path ?? '', path) < 0),
      'each file once, in the order of the paths',
    ),
  publishedAt: timeField,
  /** The version of the program that published. */
  parleyVersion: z.string().min(1).max(100),
})
export type Manifest = z.infer<typeof manifestSchema>

/** The bytes that are signed, which are also the file `manifest.json`. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return utf8(canonicalJsonOfDefined(manifest))
}

/** The names of a version's files in its folder. */
export const versionFiles = {
  weights: 'model/model.safetensors',
  config: 'model/config.json',
  plan: 'model/plan.yaml',
  evaluation: 'model/evaluation.json',
  card: 'model/README.md',
  signature: 'model/model.sig',
  provenance: 'attestations/provenance.json',
  gates: 'attestations/gates/coordinator.json',
  exports: 'attestations/exports.json',
  tfjsModel: 'exports/tfjs/model.json',
  tfjsWeights: 'exports/tfjs/weights.bin',
  logistic: 'exports/logistic.json',
  manifest: 'manifest.json',
  envelope: 'manifest.dsse.json',
} as const
