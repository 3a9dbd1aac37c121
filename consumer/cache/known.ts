import { z } from 'zod'
import { canonicalBytes } from '../../core/attestation/json-payload.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { digestField } from '../../core/run/fields.ts'
import { consumerLimits } from '../limits.ts'
import type { VersionCache } from './version-cache.ts'

/** A version that was verified and in use. */
export type KeptVersion = {
  readonly number: number
  readonly root: string
  readonly why: 'stable' | 'canary' | 'pinned'
  /** Its signed manifest. */
  readonly envelope: Uint8Array
  /** The digests of its files. */
  readonly files: readonly string[]
}

/** What is known of a reference over the life of a program. All of it is verified again by whoever reads it. */
export type Known = {
  /** The last record of the alias that was believed, as it is signed. */
  readonly record: Uint8Array | undefined
  /** Withdrawn versions, and when that was first heard of, in milliseconds since the epoch. */
  readonly withdrawn: readonly Withdrawal[]
  readonly current: KeptVersion | undefined
  /** What was in use before. */
  readonly previous: KeptVersion | undefined
  /** The digests of the files of what is being downloaded. */
  readonly pending: readonly string[]
}

/** The digests of all files that must stay in the cache. */
export function neededFiles({ current, previous, pending }: Known): readonly string[] {
  return [...(current?.files ?? []), ...(previous?.files ?? []), ...pending]
}

export type Withdrawal = { readonly number: number; readonly heard: number }

export const nothingKnown: Known = {
  record: undefined,
  withdrawn: [],
  current: undefined,
  previous: undefined,
  pending: [],
}

const numberField = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const versionSchema = z
  .strictObject({
    number: numberField,
    root: digestField,
    why: z.enum(['stable', 'canary', 'pinned']),
    envelope: z.string(),
    files: z.array(digestField).max(10_000),
  })
  .nullable()
const documentSchema = z.strictObject({
  v: z.literal(1),
  record: z.string().nullable(),
  withdrawn: z.array(z.strictObject({ number: numberField, heard: z.number() })),
  current: versionSchema,
  previous: versionSchema,
  pending: z.array(digestField).max(10_000),
})

/** Reads what a cache keeps of a reference. What cannot be read is as if nothing were known. */
export async function readKnown(cache: VersionCache, name: string): Promise<Known> {
  const bytes = await cache.document(name, consumerLimits.documentBytes)
  if (bytes === undefined) return nothingKnown
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch {
    return nothingKnown
  }
  const parsed = documentSchema.safeParse(value)
  if (!parsed.success) return nothingKnown
  const { record, withdrawn, current, previous, pending } = parsed.data
  return {
    record: record === null ? undefined : utf8(record),
    withdrawn,
    current: versionOf(current),
    previous: versionOf(previous),
    pending,
  }
}

export async function writeKnown(cache: VersionCache, name: string, known: Known): Promise<void> {
  const { record, withdrawn, current, previous, pending } = known
  const document: z.input<typeof documentSchema> = {
    v: 1,
    record: record === undefined ? null : fromUtf8(record),
    withdrawn: [...withdrawn],
    current: formOf(current),
    previous: formOf(previous),
    pending: [...pending],
  }
  await cache.writeDocument(name, canonicalBytes(document))
}

function versionOf(form: z.output<typeof versionSchema>): KeptVersion | undefined {
  return form === null ? undefined : { ...form, envelope: utf8(form.envelope) }
}

function formOf(version: KeptVersion | undefined): z.input<typeof versionSchema> {
  return version === undefined ? null : { ...version, envelope: fromUtf8(version.envelope), files: [...version.files] }
}
