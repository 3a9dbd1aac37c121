import { z } from 'zod'
import { auditIdField, instantField, sequenceField } from '../../core/audit/record.ts'
import { idField, keyField } from '../../core/run/fields.ts'

/** What a bundle may have. Everything in it comes from outside. */
export const bundleLimits = {
  /** Files. */
  files: 100_000,
  /** Characters of a path. */
  path: 255,
  /** Bytes of a file that is read as a whole. */
  small: 16 * 2 ** 20,
} as const

export const versionName = z.strictObject({
  model: idField,
  number: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
})
export type VersionName = z.output<typeof versionName>

/** `bundle.json`: what the bundle says of itself. It is signed by nobody; the record of the export in its log holds the list. */
export const bundleSchema = z.strictObject({
  v: z.literal(1),
  kind: z.literal('parley.evidence'),
  /** Names the record `evidence.export` in the log. */
  export: z.string().regex(/^[0-9a-f]{32}$/, '16 bytes in lower-case hex'),
  at: instantField,
  /** The coordinator’s public key: whose log it is. */
  federation: keyField,
  /** The keys that the bundle claims, of which a verifier believes none. */
  keys: z.strictObject({
    audit: keyField,
    coordinator: keyField,
    /** Of the folders `model/`: ECDSA, SubjectPublicKeyInfo in PEM. */
    release: z.array(z.string().max(2_000)).max(1_000),
  }),
  /** Lines of the log. */
  records: sequenceField,
  /** The one client whose records are shown, beside those that the checks need. */
  client: auditIdField.optional(),
  /** Whether these are all versions that there were. */
  all: z.boolean(),
  versions: z.array(versionName).max(10_000),
  parleyVersion: z.string().min(1).max(100),
})
export type BundleIndex = z.output<typeof bundleSchema>

/** Where things lie in a bundle. */
export const bundlePaths = {
  index: 'bundle.json',
  readme: 'README.md',
  participants: 'participants.json',
  log: 'audit/',
  checkpoints: 'audit/checkpoints.jsonl',
  auditKey: 'audit/audit-key.json',
  version: ({ model, number }: VersionName) => `models/${model}/versions/${number}/`,
  aliases: (model: string) => `models/${model}/aliases.jsonl`,
  approvals: (model: string) => `models/${model}/approvals.jsonl`,
  states: (model: string) => `models/${model}/states.json`,
  run: (run: string) => `runs/${run}.json`,
} as const

export function nameOfVersion({ model, number }: VersionName): string {
  return `${model}/${number}`
}
