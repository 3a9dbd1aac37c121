import { z } from 'zod'
import { readCanonical, writeCanonical } from './json-payload.ts'

/**
 * in-toto Statement v1 (in-toto/attestation, `spec/v1/statement.md`, `resource_descriptor.md`, `digest_set.md`): what is
 * said (the predicate) about which bytes (the subjects).
 */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1'

/** Algorithm → digest in lower-case hex. */
export type DigestSet = { readonly [algorithm: string]: string }

export type ResourceDescriptor = {
  readonly name?: string
  readonly uri?: string
  readonly digest?: DigestSet
  /** Base64. */
  readonly content?: string
  readonly downloadLocation?: string
  readonly mediaType?: string
  readonly annotations?: { readonly [key: string]: unknown }
}

/** What a statement is about: bytes that are known by their digest. */
export type Subject = ResourceDescriptor & { readonly name: string; readonly digest: DigestSet }

export type Statement<Predicate> = {
  readonly _type: typeof STATEMENT_TYPE
  readonly subject: readonly Subject[]
  readonly predicateType: string
  readonly predicate: Predicate
}

const text = z.string().max(10_000)

export const digestSetSchema = z.record(
  z.string().min(1).max(50),
  z.string().regex(/^(?:[0-9a-f]{2}){1,128}$/, 'a digest in lower-case hex'),
)

const descriptorFields = z.object({
  name: text.nullish(),
  uri: text.nullish(),
  digest: digestSetSchema.nullish(),
  content: z.string().max(100_000).nullish(),
  downloadLocation: text.nullish(),
  mediaType: text.nullish(),
  annotations: z.record(z.string(), z.unknown()).nullish(),
})

/** Unset, null and empty mean the same: what comes out has only members that say something. Unknown members are ignored. */
export const resourceDescriptorSchema = descriptorFields
  .transform((fields): ResourceDescriptor => withoutEmpty(fields))
  .refine(({ uri, digest, content }) => uri !== undefined || digest !== undefined || content !== undefined, {
    message: 'a resource has a uri, a digest or its content',
  })

const subjectSchema = resourceDescriptorSchema.refine(
  (descriptor): descriptor is Subject => descriptor.name !== undefined && descriptor.digest !== undefined,
  { message: 'a subject has a name and a digest' },
)

/** The schema of statements of one predicate type. Unknown members beside the four are ignored, as in-toto wants it. */
export function statementSchema<Predicate extends z.ZodType>(predicateType: string, predicate: Predicate) {
  return z.object({
    _type: z.literal(STATEMENT_TYPE),
    subject: z.array(subjectSchema).min(1).max(100),
    predicateType: z.literal(predicateType),
    predicate,
  })
}

/** A kind of statement: how its payload is written and read. */
export type StatementKind<Input, Output> = {
  readonly predicateType: string
  /** The payload to be signed. Throws `request.invalid` on what its reader would refuse. */
  readonly write: (subject: readonly Subject[], predicate: Input) => Uint8Array
  /** Throws `verify.failed`. Verify the payload's signature first. */
  readonly read: (payload: Uint8Array) => Statement<Output>
}

export function statementKind<Predicate extends z.ZodType>(
  predicateType: string,
  predicate: Predicate,
): StatementKind<z.input<Predicate>, z.output<Predicate>> {
  const schema = statementSchema(predicateType, predicate)
  const what = `a statement of type ${predicateType}`
  return {
    predicateType,
    write: (subject, content) => {
      const statement = { _type: STATEMENT_TYPE, subject, predicateType, predicate: content }
      return writeCanonical(schema as z.ZodType<unknown, unknown>, statement, what)
    },
    read: (payload) => readCanonical(schema, payload, what) as Statement<z.output<Predicate>>,
  }
}

/** A subject that is known by its SHA-256, in lower-case hex. */
export function sha256Subject(name: string, sha256: string): Subject {
  return { name, digest: { sha256 } }
}

function withoutEmpty(fields: object): ResourceDescriptor {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)))
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
