import { z } from 'zod'
import { ParleyError } from '../errors/index.ts'
import { digestField, idField, roundField } from '../run/fields.ts'
import {
  type ResourceDescriptor,
  resourceDescriptorSchema,
  type Statement,
  sha256Subject,
  statementKind,
} from './statement.ts'
import { timestampField } from './time.ts'

/** SLSA build provenance v1 (slsa-framework/slsa, `spec/build-provenance.md`): of what, by whom and how a version was made. */
export const PROVENANCE_TYPE = 'https://slsa.dev/provenance/v1'

/** What a run of federated learning is called as a kind of build. */
export const BUILD_TYPE = 'https://parley.example/fl-run/v1'

const uriField = z.string().regex(/^[A-Za-z][A-Za-z0-9+.-]*:\S{1,2000}$/, 'a URI')
const textField = z.string().min(1).max(200)
const descriptors = z.array(resourceDescriptorSchema).max(10_000)

const predicateSchema = z.object({
  buildDefinition: z.object({
    buildType: z.literal(BUILD_TYPE),
    /** All influence from outside, and nothing else: an unknown key here would be influence that nobody checks. */
    externalParameters: z.strictObject({ plan: digestField, model: idField, launchedBy: idField }),
    internalParameters: z.object({
      coordinatorVersion: textField,
      mode: z.enum(['sealed', 'masked']),
      kernels: digestField,
    }),
    resolvedDependencies: descriptors,
  }),
  runDetails: z.object({
    builder: z.object({
      id: uriField,
      version: z.record(textField, textField),
      builderDependencies: descriptors.optional(),
    }),
    metadata: z.object({ invocationId: idField, startedOn: timestampField, finishedOn: timestampField }),
    byproducts: descriptors,
  }),
})
export type ProvenancePredicate = z.output<typeof predicateSchema>
export type Provenance = Statement<ProvenancePredicate>

const kind = statementKind(PROVENANCE_TYPE, predicateSchema)

/** Updates that are listed one by one; with more of them the provenance names a file that lists them. */
export const LISTED_UPDATES = 1_000

/** The updates that went into the weights. All digests are SHA-256 in hex; clients go by their pseudonyms. */
export type UpdatesEvidence =
  | {
      readonly kind: 'updates'
      readonly updates: readonly { readonly round: number; readonly client: string; readonly digest: string }[]
    }
  | { readonly kind: 'list'; readonly count: number; readonly digest: string }
  /** Of masked rounds, where nobody sees a single update: the sums of the groups, and who was in them, as it was signed. */
  | {
      readonly kind: 'sums'
      readonly sums: readonly { readonly round: number; readonly group: string; readonly digest: string }[]
      readonly roster: string
    }

export type ProvenanceFacts = {
  readonly model: string
  /** SHA-256 of `model.safetensors`, and the root of the signed folder. */
  readonly weights: string
  readonly root: string
  readonly plan: string
  readonly launchedBy: string
  readonly coordinatorVersion: string
  readonly mode: 'sealed' | 'masked'
  readonly kernels: string
  /** The version that the run started from, by its root; undefined when it started from new weights. */
  readonly base?: { readonly name: string; readonly root: string } | undefined
  readonly updates: UpdatesEvidence
  /** Of the manifests of what was evaluated on. */
  readonly evaluationData: readonly { readonly name: string; readonly digest: string }[]
  readonly trainers: readonly { readonly name: string; readonly digest: string }[]
  /** URI of this federation's coordinator. */
  readonly builder: string
  readonly parleyVersion: string
  readonly run: string
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  readonly startedOn: string
  readonly finishedOn: string
  readonly journal: string
  readonly audit: { readonly sequence: number; readonly head: string }
  /** Of the list of updates that were refused, with the reasons. */
  readonly rejectedUpdates: string
}

/** The payload of `provenance.json`, in canonical JSON. Throws `request.invalid`. */
export function provenancePayload(facts: ProvenanceFacts): Uint8Array {
  const { model, weights, root, plan, launchedBy, coordinatorVersion, mode, kernels, audit } = facts
  if ((facts.updates.kind === 'sums') !== (mode === 'masked')) {
    throw new ParleyError('request.invalid', `the updates of a ${mode} run are not given as ${facts.updates.kind}`)
  }
  return kind.write([sha256Subject('model.safetensors', weights), sha256Subject(model, root)], {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { plan, model, launchedBy },
      internalParameters: { coordinatorVersion, mode, kernels },
      resolvedDependencies: dependenciesOf(facts),
    },
    runDetails: {
      builder: { id: facts.builder, version: { parley: facts.parleyVersion } },
      metadata: { invocationId: facts.run, startedOn: facts.startedOn, finishedOn: facts.finishedOn },
      byproducts: [
        named('journal', facts.journal),
        { ...named('audit-checkpoint', audit.head), annotations: { sequence: audit.sequence } },
        named('rejected-updates', facts.rejectedUpdates),
      ],
    },
  })
}

function dependenciesOf({ base, updates, evaluationData, trainers }: ProvenanceFacts): ResourceDescriptor[] {
  return [
    ...(base === undefined ? [] : [{ ...named('base', base.root), uri: `model:${base.name}` }]),
    ...updateDependencies(updates),
    ...evaluationData.map(({ name, digest }) => named(`evaluation-data/${name}`, digest)),
    ...trainers.map(({ name, digest }) => named(`trainer/${name}`, digest)),
  ]
}

function updateDependencies(evidence: UpdatesEvidence): ResourceDescriptor[] {
  switch (evidence.kind) {
    case 'updates':
      if (evidence.updates.length > LISTED_UPDATES) {
        throw new ParleyError(
          'request.invalid',
          `more than ${LISTED_UPDATES} updates are listed in a file of their own`,
        )
      }
      return evidence.updates.map(({ round, client, digest }) => located('update', round, client, digest))
    case 'list':
      return [{ ...named('updates', evidence.digest), annotations: { count: evidence.count } }]
    case 'sums':
      return [
        named('roster', evidence.roster),
        ...evidence.sums.map(({ round, group, digest }) => located('sum', round, group, digest)),
      ]
    default:
      return evidence satisfies never
  }
}

function named(name: string, sha256: string): ResourceDescriptor {
  return { name, digest: { sha256 } }
}

/** Throws `request.invalid` on a round or an id that is none. */
function located(scheme: 'update' | 'sum', round: number, id: string, sha256: string): ResourceDescriptor {
  if (!roundField.safeParse(round).success || !idField.safeParse(id).success) {
    throw new ParleyError('request.invalid', `${scheme} ${round}/${id} is not of a round and an id`)
  }
  return { uri: `${scheme}:${round}/${id}`, digest: { sha256 } }
}

/** Reads the payload of a provenance. Throws `verify.failed`. Verify its signature first. */
export function readProvenance(payload: Uint8Array): Provenance {
  return kind.read(payload)
}

/**
 * Whether the provenance is of this version and by a builder that this signer speaks for: consumers accept fixed pairs.
 * The reason when it is not; undefined when it is.
 */
export function provenanceProblem(
  { subject, predicate }: Provenance,
  expected: {
    readonly weights: string
    readonly root: string
    /** How the consumer calls the key that signed, and the builders that this key may name. */
    readonly signer: string
    readonly pairs: readonly { readonly signer: string; readonly builder: string }[]
  },
): string | undefined {
  const digests = subject.map(({ digest }) => digest.sha256)
  for (const digest of [expected.weights, expected.root]) {
    if (!digests.includes(digest)) return `it is not about ${digest}`
  }
  const { id } = predicate.runDetails.builder
  const accepted = expected.pairs.some(({ signer, builder }) => signer === expected.signer && builder === id)
  return accepted ? undefined : `the signer does not speak for the builder ${id}`
}
