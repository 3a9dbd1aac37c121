import { derivationPayload } from '../../core/attestation/derivation.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, signDsse } from '../../core/attestation/dsse.ts'
import { modelCard } from '../../core/attestation/model-card/model-card.ts'
import { compareCodePoints } from '../../core/attestation/model-signing/names.ts'
import { modelStatement, signModel } from '../../core/attestation/model-signing/sign.ts'
import type { ReleaseSigner } from '../../core/attestation/ports.ts'
import { provenancePayload } from '../../core/attestation/provenance.ts'
import { testResultPayload } from '../../core/attestation/test-result.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import type { Crypto, SigningKey } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { configJson } from '../../core/export/config-json.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import { type VersionFile, versionFiles } from '../../core/release/manifest.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import { cardInputOf } from './card.ts'
import { evaluationOf } from './evaluation.ts'
import type { Candidate } from './manifest.ts'

export type EvidenceDeps = {
  readonly crypto: Crypto
  /** Signs attestations and manifests: the key that consumers pin. */
  readonly key: SigningKey
  /** Signs the model's folder. */
  readonly signer: ReleaseSigner
  /** URI of this federation's coordinator. */
  readonly builder: string
  readonly parleyVersion: string
  /** SHA-256 of what aggregated, lower-case hex. */
  readonly kernels: string
}

/** How the candidate's version will be known, and what else stands in its evidence. */
export type EvidenceInput = {
  readonly candidate: Candidate
  readonly number: number
  readonly layout: Layout
  /** Derivatives of the version, which lie in the store already. */
  readonly exports: readonly VersionFile[]
  /** The version that the run started from. */
  readonly parent?: { readonly name: string; readonly root: string } | undefined
  /** The run's journal so far: its entries, and the SHA-256 of all of them. */
  readonly journal: { readonly entries: number; readonly digest: string }
  /** Milliseconds since the epoch. */
  readonly at: number
}

export type Evidence = {
  readonly root: string
  /** Files with their contents; of the weights the digest alone. */
  readonly files: readonly (VersionFile & { readonly content?: Uint8Array })[]
}

/** Makes all files of a version but its manifest. The same input gives the same files, but for the release key's signature. */
export async function evidenceOf(deps: EvidenceDeps, input: EvidenceInput): Promise<Evidence> {
  const { crypto } = deps
  const { candidate, layout, number } = input
  const { plan } = candidate.evidence
  const digestOf = (bytes: Uint8Array) => toHex(crypto.sha256(bytes))
  const contents = new Map<string, Uint8Array>()
  contents.set(versionFiles.config, configJson({ name: plan.name, model: plan.model, data: plan.data, layout }).bytes)
  contents.set(versionFiles.plan, utf8(canonicalPlan(plan)))

  const gates = await testResult(deps, candidate)
  const evaluation = utf8(canonicalJsonOfDefined(evaluationOf(crypto, candidate, digestOf(gates))))
  contents.set(versionFiles.evaluation, evaluation)
  const card = modelCard(
    cardInputOf(candidate, { number, evaluation: digestOf(evaluation), parent: input.parent?.name }),
  )
  contents.set(versionFiles.card, utf8(card.readme))
  for (const [path, svg] of card.plots) contents.set(`model/${path}`, utf8(svg))

  const { digest, bytes } = candidate.weights
  const statement = modelStatement(crypto, 'model', [
    { name: versionFiles.weights.slice('model/'.length), digest },
    ...[...contents].map(([path, content]) => ({ name: path.slice('model/'.length), digest: digestOf(content) })),
  ])
  const root = statement.subject[0]?.digest.sha256 ?? ''
  contents.set(versionFiles.signature, await signModel(crypto, deps.signer, statement))
  contents.set(versionFiles.gates, gates)
  contents.set(versionFiles.provenance, await provenance(deps, input, root))
  if (input.exports.length > 0) {
    const config = digestOf(contents.get(versionFiles.config) ?? new Uint8Array(0))
    contents.set(versionFiles.exports, await derivation(deps, input, root, config))
  }

  const files = [...contents].map(([path, content]) => ({
    path,
    sha256: digestOf(content),
    bytes: content.length,
    content,
  }))
  const all = [...files, ...input.exports, { path: versionFiles.weights, sha256: digest, bytes }]
  return { root, files: all.sort((a, b) => compareCodePoints(a.path, b.path)) }
}

/** What the gates said, under the coordinator's key. */
async function testResult({ crypto, key }: EvidenceDeps, { weights, gates, evidence }: Candidate): Promise<Uint8Array> {
  const digestOf = (value: object) => toHex(crypto.sha256(utf8(canonicalJsonOfDefined(value))))
  const payload = testResultPayload({
    weights: weights.digest,
    gateDefinitions: digestOf(evidence.plan.gates),
    evaluationData: digestOf(evidence.sites.map(({ client, counts }) => ({ client, counts }))),
    gates: gates.map(({ gate, verdict }) => ({ gate, verdict })),
  })
  return dsseBytes(await signDsse(key, IN_TOTO_PAYLOAD_TYPE, payload))
}

/** What the exports are made of, under the coordinator's key. */
async function derivation(deps: EvidenceDeps, input: EvidenceInput, root: string, config: string): Promise<Uint8Array> {
  const { builder, parleyVersion, key } = deps
  const { model, weights } = input.candidate
  const facts = { model, weights: weights.digest, config, root, builder, parleyVersion, files: input.exports }
  return dsseBytes(await signDsse(key, IN_TOTO_PAYLOAD_TYPE, derivationPayload(facts)))
}

async function provenance(deps: EvidenceDeps, input: EvidenceInput, root: string): Promise<Uint8Array> {
  const { candidate, parent, journal, at } = input
  const { evidence, weights } = candidate
  const { plan } = evidence
  const digestOf = (value: object) => toHex(deps.crypto.sha256(utf8(canonicalJsonOfDefined(value))))
  const payload = provenancePayload({
    model: candidate.model,
    weights: weights.digest,
    root,
    plan: candidate.plan,
    launchedBy: 'operator',
    coordinatorVersion: deps.parleyVersion,
    mode: plan.privacy.mode,
    kernels: deps.kernels,
    base: parent,
    updates: evidence.updates,
    evaluationData: evidence.sites.map(({ client, metrics }) => ({ name: client, digest: digestOf(metrics) })),
    trainers: [],
    builder: deps.builder,
    parleyVersion: deps.parleyVersion,
    run: candidate.run,
    startedOn: timestampOf(evidence.startedAt),
    finishedOn: timestampOf(at),
    journal: journal.digest,
    // The journal is a chain of its own; its end is the checkpoint until there is a log of everything.
    audit: { sequence: journal.entries, head: journal.digest },
    rejectedUpdates: digestOf(evidence.rejected),
  })
  return dsseBytes(await signDsse(deps.key, IN_TOTO_PAYLOAD_TYPE, payload))
}
