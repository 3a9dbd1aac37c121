import { z } from 'zod'
import type { Crypto } from '../../crypto/primitives.ts'
import { fromHex, toHex } from '../../encoding/bytes.ts'
import { digestSetSchema, STATEMENT_TYPE } from '../statement.ts'

/** The predicate of OpenSSF Model Signing v1.0 (`statement.schema.json`, `predicate.schema.json`). */
export const MODEL_SIGNING_TYPE = 'https://model_signing/signature/v1.0'

const hashNames = z.enum(['sha256', 'blake2b', 'blake3'])

const resourceSchema = z.object({
  name: z.string().min(1),
  digest: z.string().regex(/^[0-9a-f]+$/, 'a digest in lower-case hex'),
  // What the reference implementation writes for shards, against the schema: `sha256-sharded-8`.
  algorithm: z.union([hashNames, z.string().regex(/^sha256-sharded-[1-9]\d{0,15}$/, 'a known algorithm')]),
})
export type Resource = z.output<typeof resourceSchema>

const serializationFields = {
  hash_type: hashNames,
  allow_symlinks: z.boolean(),
  ignore_paths: z.array(z.string().min(1)).max(100_000).optional(),
}
const serializationSchema = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('files'), ...serializationFields }),
  z.strictObject({
    method: z.literal('shards'),
    ...serializationFields,
    shard_size: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  }),
])

export const modelStatementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(z.object({ name: z.string().min(1), digest: digestSetSchema })).length(1),
  predicateType: z.literal(MODEL_SIGNING_TYPE),
  predicate: z.strictObject({
    resources: z.array(resourceSchema),
    serialization: serializationSchema,
  }),
})
export type ModelStatement = z.output<typeof modelStatementSchema>

/** SHA-256 over the raw digests of the resources, one behind the other: always SHA-256, whatever hashed the files. */
export function rootDigest(crypto: Pick<Crypto, 'hasher'>, digests: Iterable<string>): string {
  const hasher = crypto.hasher()
  for (const digest of digests) hasher.update(fromHex(digest) ?? fail(digest))
  return toHex(hasher.digest())
}

function fail(digest: string): never {
  throw new RangeError(`${digest.slice(0, 200)} is not a digest in hex`)
}
