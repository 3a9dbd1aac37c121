import { z } from 'zod'
import { resourceDescriptorSchema, type Statement, sha256Subject, statementKind } from './statement.ts'

/** SLSA provenance v1 of files that follow from a published version alone. */
const PREDICATE_TYPE = 'https://slsa.dev/provenance/v1'
export const EXPORT_BUILD_TYPE = 'https://parley.example/export/v1'

const predicateSchema = z.object({
  buildDefinition: z.object({
    buildType: z.literal(EXPORT_BUILD_TYPE),
    externalParameters: z.strictObject({ model: z.string().min(1).max(100) }),
    resolvedDependencies: z.array(resourceDescriptorSchema).min(1).max(10),
  }),
  runDetails: z.object({
    builder: z.object({ id: z.string().min(1).max(2_000), version: z.record(z.string(), z.string()) }),
  }),
})
export type Derivation = Statement<z.output<typeof predicateSchema>>

const kind = statementKind(PREDICATE_TYPE, predicateSchema)

export type DerivationFacts = {
  readonly model: string
  /** SHA-256 of `model.safetensors` and of `config.json`, and the root of the folder that both are in. */
  readonly weights: string
  readonly config: string
  readonly root: string
  readonly builder: string
  readonly parleyVersion: string
  /** What was made, by its path in the version's folder. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[]
}

/** The payload of `attestations/exports.json`, in canonical JSON. Throws `request.invalid`. */
export function derivationPayload(facts: DerivationFacts): Uint8Array {
  const { model, weights, config, root, builder, parleyVersion, files } = facts
  return kind.write(
    files.map(({ path, sha256 }) => sha256Subject(path, sha256)),
    {
      buildDefinition: {
        buildType: EXPORT_BUILD_TYPE,
        externalParameters: { model },
        resolvedDependencies: [
          { name: 'model.safetensors', digest: { sha256: weights } },
          { name: 'config.json', digest: { sha256: config } },
          { name: model, digest: { sha256: root } },
        ],
      },
      runDetails: { builder: { id: builder, version: { parley: parleyVersion } } },
    },
  )
}

/** Reads the payload of a derivation. Throws `verify.failed`. Verify its signature first. */
export function readDerivation(payload: Uint8Array): Derivation {
  return kind.read(payload)
}

/** What was made, by its path, and out of what. */
export function derivedFrom({ predicate }: Derivation): readonly (string | undefined)[] {
  return predicate.buildDefinition.resolvedDependencies.map(({ digest }) => digest?.sha256)
}
