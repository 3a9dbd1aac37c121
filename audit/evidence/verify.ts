import { parseDsse } from '../../core/attestation/dsse.ts'
import { issueOf, readJson } from '../../core/attestation/json-payload.ts'
import { publicKeyPem } from '../../core/attestation/pem.ts'
import type { EcdsaVerifier } from '../../core/attestation/ports.ts'
import { readProvenance } from '../../core/attestation/provenance.ts'
import { AuditFault, type FileLine } from '../../core/audit/problem.ts'
import { type AuditReport, type AuditSources, verifyAudit } from '../../core/audit/verify.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parseEnvelope } from '../../core/release/envelope-json.ts'
import { type Manifest, versionFiles } from '../../core/release/manifest.ts'
import { parseManifest, verifyVersion } from '../../core/release/verify.ts'
import { fileLines, linesOfLog, logFilesAmong } from '../files.ts'
import { parsePublicKey } from '../public-key.ts'
import { readAliasHistory } from './aliases.ts'
import { aliasProblems, type UpdateOfVersion, updateProblems, versionProblems } from './cross-check.ts'
import { LogFacts } from './facts.ts'
import { type BundleIndex, bundlePaths, bundleSchema, nameOfVersion, type VersionName } from './format.ts'
import type { EvidenceProblem } from './problem.ts'
import { type BundleSource, readSmall } from './source.ts'
import { FolderInBundle } from './version-folder.ts'

/** Public keys that somebody got over another channel. */
export type PinnedKeys = {
  /** Ed25519, of the log’s checkpoints. Without it the bundle’s own is taken, and nothing is proved. */
  readonly audit?: Uint8Array | undefined
  /** Ed25519, of versions and aliases. Without it the one that the log names, whose checkpoints the audit key has signed. */
  readonly coordinator?: Uint8Array | undefined
  /** PEM; without them those that the signed manifests name. */
  readonly release?: readonly string[] | undefined
}

export type EvidenceOptions = {
  readonly keys: PinnedKeys
  /** Checkpoints that were kept from earlier: they must be in the history too. */
  readonly kept?: readonly FileLine[]
  /** Told what is looked at. */
  readonly progress?: (what: string) => void
}

export type EvidenceReport = {
  /** Whether the audit key was given; without it all fits together, and nobody vouches for it. */
  readonly pinned: boolean
  readonly keys: { readonly audit: string; readonly coordinator: string }
  /** When the bundle says that it was made. */
  readonly at: string
  readonly log: AuditReport
  /** Versions that verify and agree with the log. */
  readonly versions: readonly VersionName[]
  readonly aliasMoves: number
  /** Updates that the versions were made of, and how many of them no shown record speaks of. */
  readonly updates: number
  readonly updatesUnrecorded: number
  /** Versions of the log that are not in the bundle, as `model/number`. */
  readonly absent: readonly string[]
  readonly problems: readonly EvidenceProblem[]
}

type Deps = { readonly crypto: Crypto; readonly ecdsa: EcdsaVerifier }

/**
 * Verifies a bundle offline: its log with checkpoints, each version, the histories of aliases, and that they say the same.
 * Throws `evidence.invalid` where the bundle has not the form of one; all else that is wrong stands in the report.
 */
export async function verifyEvidence(
  deps: Deps,
  source: BundleSource,
  options: EvidenceOptions,
): Promise<EvidenceReport> {
  return new EvidenceCheck(deps, source, options).report()
}

class EvidenceCheck {
  readonly #deps: Deps
  readonly #source: BundleSource
  readonly #options: EvidenceOptions
  readonly #problems: EvidenceProblem[] = []
  /** Of each version that verifies, the updates that its provenance lists. */
  readonly #made: { readonly run: string; readonly updates: readonly UpdateOfVersion[] }[] = []
  #updates = 0
  #updatesUnrecorded = 0

  constructor(deps: Deps, source: BundleSource, options: EvidenceOptions) {
    this.#deps = deps
    this.#source = source
    this.#options = options
  }

  async report(): Promise<EvidenceReport> {
    const index = await this.#index()
    const named = await this.#runsNamed(index)
    const facts = new LogFacts(named)
    const claimed = parsePublicKey(fromUtf8(await readSmall(this.#source, bundlePaths.auditKey)), bundlePaths.auditKey)
    const { keys: given } = this.#options
    const auditKey = given.audit ?? bytesOf(claimed.publicKey)
    const log = await this.#log(auditKey, claimed.federation, facts)
    const coordinator = given.coordinator ?? bytesOf(log.federation ?? claimed.federation)
    if (toHex(coordinator) !== (log.federation ?? claimed.federation)) {
      this.#add('log', 'audit.corrupt', 'audit', `the log is of ${log.federation}, and not of the coordinator given`)
    }
    const manifests = await this.#versions(index, coordinator)
    const whole = log.problem === undefined
    const aliasMoves = await this.#aliases(index, coordinator, manifests, whole ? facts : undefined)
    if (whole) this.#crossCheck(index, facts, manifests)
    const inBundle = new Set(index.versions.map(nameOfVersion))
    const absent = [...facts.publications.keys()].filter((name) => !inBundle.has(name))
    if (index.all) for (const name of absent) this.#absent(name, facts)
    return {
      pinned: given.audit !== undefined,
      keys: { audit: toHex(auditKey), coordinator: toHex(coordinator) },
      at: index.at,
      log,
      versions: manifests.map(({ model, number }) => ({ model, number })),
      aliasMoves,
      updates: this.#updates,
      updatesUnrecorded: this.#updatesUnrecorded,
      absent,
      problems: this.#problems,
    }
  }

  async #index(): Promise<BundleIndex> {
    const bytes = await readSmall(this.#source, bundlePaths.index)
    const parsed = bundleSchema.safeParse(jsonOf(bytes, bundlePaths.index))
    if (!parsed.success) throw invalid(`${bundlePaths.index}: ${issueOf(parsed.error)}`)
    const { versions } = parsed.data
    if (new Set(versions.map(nameOfVersion)).size !== versions.length) throw invalid('it names a version twice')
    const models = [...new Set(versions.map(({ model }) => model))]
    const exact = new Set<string>([bundlePaths.index, bundlePaths.readme, bundlePaths.participants])
    for (const model of models) {
      for (const path of [bundlePaths.aliases(model), bundlePaths.approvals(model), bundlePaths.states(model)])
        exact.add(path)
    }
    for (const path of [bundlePaths.checkpoints, bundlePaths.auditKey]) exact.add(path)
    const folders = versions.map(bundlePaths.version)
    for (const path of this.#source.files.keys()) {
      const belongs = exact.has(path) || otherFiles.test(path) || folders.some((folder) => path.startsWith(folder))
      if (!belongs) throw invalid(`${path} belongs to nothing in it`)
    }
    return parsed.data
  }

  /** The runs that the versions say they are of; nothing of it is believed but which updates are looked for. */
  async #runsNamed({ versions }: BundleIndex): Promise<ReadonlySet<string>> {
    const runs = new Set<string>()
    for (const version of versions) {
      try {
        const envelope = await readSmall(this.#source, bundlePaths.version(version) + versionFiles.envelope)
        const [first] = parseEnvelope(envelope)
        if (first !== undefined) runs.add(parseManifest(first.payload).run)
      } catch {
        // Told when the version is verified.
      }
    }
    return runs
  }

  async #log(publicKey: Uint8Array, federation: string, facts: LogFacts): Promise<AuditReport> {
    this.#options.progress?.('the audit log')
    const { kept = [], progress } = this.#options
    const sources = { ...logSourcesIn(this.#source), federation, kept }
    let lines = 0
    const report = await verifyAudit(this.#deps.crypto, publicKey, sources, ({ record }) => {
      if (record !== undefined) facts.take(record)
      if (++lines % 10_000 === 0) progress?.(`the audit log: ${lines} records`)
    })
    if (report.problem !== undefined) {
      const { file, line, seq, message } = report.problem
      this.#add('log', 'audit.corrupt', `${bundlePaths.log}${file}, line ${line}`, `record ${seq}: ${message}`, seq)
    } else if (report.covered !== report.records - 1) {
      this.#add('log', 'audit.corrupt', 'audit', 'no checkpoint is of its last record: more may have been there')
    }
    return report
  }

  async #versions({ versions }: BundleIndex, publicKey: Uint8Array): Promise<readonly Manifest[]> {
    const found: Manifest[] = []
    const pinned = this.#options.keys.release?.map((pem) => publicKeyPem(pem))
    for (const [done, version] of versions.entries()) {
      this.#options.progress?.(`version ${nameOfVersion(version)}, ${done + 1} of ${versions.length}`)
      const path = bundlePaths.version(version)
      try {
        const envelope = await readSmall(this.#source, path + versionFiles.envelope)
        const folder = new FolderInBundle(this.#source, path)
        const provenance: Uint8Array[] = []
        const handOn = (file: string, piece: Uint8Array) => {
          if (file === versionFiles.provenance) provenance.push(piece)
        }
        const input = { ...this.#deps, publicKey, envelope, folder, expected: version, handOn }
        const { failed, checks, manifest } = await verifyVersion(input)
        if (failed !== undefined || manifest === undefined) {
          const detail = checks.find(({ name }) => name === failed)?.detail ?? ''
          this.#add('version', 'verify.failed', path, `check "${failed}": ${detail}`)
          continue
        }
        const plan = manifest.files.find((file) => file.path === versionFiles.plan)
        if (plan?.sha256 !== manifest.plan) {
          this.#add('differs', 'evidence.mismatch', path, `${versionFiles.plan} is not the plan ${manifest.plan}`)
        }
        if (pinned !== undefined && !pinned.includes(publicKeyPem(manifest.releaseKey))) {
          this.#add('key', 'verify.failed', path, 'its release key is none of those given')
        }
        this.#made.push({ run: manifest.run, updates: updatesIn(Buffer.concat(provenance)) })
        found.push(manifest)
      } catch (failure) {
        this.#add('version', 'verify.failed', path, ParleyError.from(failure).message)
      }
    }
    return found
  }

  /** How many moves there are. */
  async #aliases(
    { versions }: BundleIndex,
    publicKey: Uint8Array,
    manifests: readonly Manifest[],
    facts: LogFacts | undefined,
  ): Promise<number> {
    let moves = 0
    for (const model of new Set(versions.map((version) => version.model))) {
      const path = bundlePaths.aliases(model)
      const bytes = await readSmall(this.#source, path)
      const { records, problem } = await readAliasHistory(this.#deps.crypto, publicKey, model, bytes)
      moves += records.length
      if (problem !== undefined) {
        this.#add('alias', 'verify.failed', `${path}, line ${problem.line}`, problem.message)
        continue
      }
      if (facts === undefined) continue
      const own = manifests.filter((manifest) => manifest.model === model)
      const roots = new Map(own.map(({ number, root }) => [number, root]))
      this.#problems.push(...aliasProblems(facts, model, records, roots))
    }
    return moves
  }

  #crossCheck(index: BundleIndex, facts: LogFacts, manifests: readonly Manifest[]): void {
    const exported = facts.exports.get(index.export) ?? []
    if (exported.length === 0) {
      this.#add('unrecorded', 'evidence.mismatch', bundlePaths.index, `no record of the export ${index.export}`)
    }
    const list = versionsDigest(this.#deps.crypto, index.versions)
    for (const { seq, details } of exported) {
      if (details.versionsSha256 === list && details.all === index.all) continue
      const message = `record ${seq}, of the export ${index.export}, is of another list of versions`
      this.#add('differs', 'evidence.mismatch', bundlePaths.index, message, seq)
    }
    for (const manifest of manifests) this.#problems.push(...versionProblems(facts, manifest))
    for (const { run, updates } of this.#made) {
      const { problems, unrecorded } = updateProblems(facts, run, updates)
      this.#problems.push(...problems)
      this.#updates += updates.length
      this.#updatesUnrecorded += unrecorded
    }
  }

  #absent(name: string, facts: LogFacts): void {
    const seq = facts.publications.get(name)?.[0]?.seq
    const message = `record ${seq} is of the publication of ${name}, and the bundle says that it has all versions`
    this.#add('missing', 'evidence.mismatch', bundlePaths.index, message, seq)
  }

  #add(
    kind: EvidenceProblem['kind'],
    code: EvidenceProblem['code'],
    path: string,
    message: string,
    seq?: number,
  ): void {
    this.#problems.push({ kind, code, path, message, ...(seq === undefined ? {} : { seq }) })
  }
}

/** What a bundle has of a log, to be verified. */
export function logSourcesIn(source: BundleSource): AuditSources {
  const folder = bundlePaths.log
  const names = [...source.files.keys()].filter((path) => path.startsWith(folder))
  const files = logFilesAmong(names.map((path) => path.slice(folder.length)))
  const open = (name: string) => source.open(folder + name)
  const cut = ({ file }: { readonly file: string }) => {
    throw new AuditFault({ kind: 'truncated', seq: 0, file, line: 0, message: 'its last line has no end' })
  }
  const checkpoints = source.files.has(bundlePaths.checkpoints)
    ? fileLines(open, bundlePaths.checkpoints.slice(folder.length), 0, cut)
    : []
  return { log: linesOfLog(files, open, cut), checkpoints }
}

/** Files of the log and of runs, by the form of their names. */
const otherFiles = /^(?:audit\/audit-(?:0|[1-9]\d{0,14})\.jsonl|runs\/[A-Za-z0-9._-]{1,100}\.json)$/

/** SHA-256 over canonical JSON of the list, which the record of the export holds. */
export function versionsDigest(crypto: Pick<Crypto, 'sha256'>, versions: readonly VersionName[]): string {
  return toHex(crypto.sha256(utf8(canonicalJson(versions.map(({ model, number }) => ({ model, number }))))))
}

/** Updates that a provenance lists one by one, whose signature was verified; none where a file or a roster stands for them. */
function updatesIn(provenance: Uint8Array): UpdateOfVersion[] {
  const { resolvedDependencies } = readProvenance(parseDsse(provenance).payload).predicate.buildDefinition
  return resolvedDependencies.flatMap(({ uri, digest }) => {
    const [, round, client] = /^update:(\d+)\/(.+)$/.exec(uri ?? '') ?? []
    const sha256 = digest?.sha256
    return round === undefined || client === undefined || sha256 === undefined
      ? []
      : [{ round: Number(round), client, sha256 }]
  })
}

function jsonOf(bytes: Uint8Array, path: string): unknown {
  try {
    return readJson(bytes, path)
  } catch (cause) {
    throw invalid(`${path} is not JSON`, cause)
  }
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes?.length !== 32) throw invalid(`${JSON.stringify(hex.slice(0, 100))} is no public key`)
  return bytes
}

function invalid(message: string, cause?: unknown): ParleyError {
  return new ParleyError('evidence.invalid', `the bundle: ${message}`, { cause })
}
