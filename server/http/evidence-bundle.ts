import { randomBytes } from 'node:crypto'
import {
  type BundleIndex,
  bundlePaths,
  bundleReadme,
  isNeeded,
  publicKeyText,
  tarEnd,
  tarHeader,
  tarPadding,
  type VersionName,
  versionsDigest,
} from '../../audit/index.ts'
import { isOfClient } from '../../core/audit/filter.ts'
import { readAuditLine, redactedLine } from '../../core/audit/line.ts'
import { instantOf } from '../../core/audit/record.ts'
import type { AuditEntry } from '../../core/audit/sink.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { manifestBytes, versionFiles } from '../../core/release/manifest.ts'
import type { CoordinatorApi } from '../api.ts'
import { manifestIn } from '../registry/published.ts'
import type { Registry } from '../registry/registry.ts'
import { StoredFolder } from '../registry/stored-folder.ts'
import type { AliasMove, Store, VersionRecord } from '../store/ports.ts'
import type { ReadableAudit } from './audit.ts'

export type EvidenceDeps = {
  readonly crypto: Crypto
  readonly audit: ReadableAudit
  readonly registry: Pick<Registry, 'quiet'>
  readonly store: Pick<Store, 'records' | 'blobs'>
  readonly api: Pick<CoordinatorApi, 'run'>
  /** The coordinator’s Ed25519 key. */
  readonly publicKey: Uint8Array
  readonly parleyVersion: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export type EvidenceRequest = {
  readonly versions: 'all' | readonly VersionName[]
  /** Shows the records of this client alone, beside those that the checks need. */
  readonly client?: string | undefined
}

type Chosen = {
  readonly versions: readonly VersionRecord[]
  /** All moves of aliases of the versions’ models, by model. */
  readonly moves: ReadonlyMap<string, readonly AliasMove[]>
}

type Export = Chosen &
  Pick<EvidenceRequest, 'client'> & { readonly index: BundleIndex; readonly checkpoints: readonly string[] }

/**
 * The bytes of a bundle, a tar file, piece by piece. That it is taken is on record, under a checkpoint that the bundle ends with,
 * before the first of them. Fails with `object.not-found` for a version that is not there.
 */
export async function exportEvidence(
  deps: EvidenceDeps,
  request: EvidenceRequest,
  actor: AuditEntry['actor'],
): Promise<AsyncGenerator<Uint8Array>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await deps.registry.quiet()
    const chosen = await chosenOf(deps, request)
    const id = toHex(randomBytes(16))
    const versions = chosen.versions.map(({ model, number }) => ({ model, number }))
    const details = {
      versions: versions.length,
      versionsSha256: versionsDigest(deps.crypto, versions),
      all: request.versions === 'all',
      client: request.client,
    }
    await deps.audit.append({ action: 'evidence.export', actor, object: { kind: 'evidence', id }, details })
    await deps.registry.quiet()
    const { records, checkpoints } = await deps.audit.snapshot()
    // Log and registry must be of one moment: a move in between would look like one that was hidden.
    if (!sameMoment(chosen, await chosenOf(deps, request))) continue
    const index = indexOf(deps, request, { id, records, chosen })
    return packed({ ...chosen, client: request.client, index, checkpoints }, deps)
  }
  throw new ParleyError('run.conflict', 'versions or aliases change all the time: try again')
}

const ATTEMPTS = 5

async function chosenOf({ store }: EvidenceDeps, { versions: asked }: EvidenceRequest): Promise<Chosen> {
  const { records } = store
  const versions: VersionRecord[] = []
  if (asked === 'all') {
    for (const model of await records.models()) versions.push(...(await records.versions(model)))
  } else {
    for (const { model, number } of asked) {
      const found = await records.version(model, number)
      if (found === undefined) throw new ParleyError('object.not-found', `there is no version ${model}/${number}`)
      if (!versions.some((one) => one.model === model && one.number === number)) versions.push(found)
    }
  }
  const moves = new Map<string, readonly AliasMove[]>()
  for (const { model } of versions) if (!moves.has(model)) moves.set(model, await records.aliasHistory(model))
  return { versions, moves }
}

function sameMoment(before: Chosen, after: Chosen): boolean {
  const lengths = ({ moves }: Chosen) => [...moves].map(([model, all]) => `${model} ${all.length}`).join(' ')
  return before.versions.length === after.versions.length && lengths(before) === lengths(after)
}

function indexOf(
  { audit, publicKey, parleyVersion, now }: EvidenceDeps,
  { versions: asked, client }: EvidenceRequest,
  { id, records, chosen }: { readonly id: string; readonly records: number; readonly chosen: Chosen },
): BundleIndex {
  const release = new Set(chosen.versions.map(({ envelope }) => manifestIn(envelope).releaseKey))
  return {
    v: 1,
    kind: 'parley.evidence',
    export: id,
    at: instantOf(now()),
    federation: audit.federation,
    keys: { audit: toHex(audit.publicKey), coordinator: toHex(publicKey), release: [...release] },
    records,
    ...(client === undefined ? {} : { client }),
    all: asked === 'all',
    versions: chosen.versions.map(({ model, number }) => ({ model, number })),
    parleyVersion,
  }
}

type File = { readonly path: string; readonly bytes: number; readonly content: AsyncIterable<Uint8Array> | Uint8Array }

async function* packed(exported: Export, deps: EvidenceDeps): AsyncGenerator<Uint8Array> {
  const at = deps.now()
  for await (const { path, bytes, content } of filesOf(exported, deps)) {
    yield tarHeader(path, bytes, at)
    if (content instanceof Uint8Array) yield content
    else yield* content
    yield tarPadding(bytes)
  }
  yield tarEnd
}

async function* filesOf(exported: Export, deps: EvidenceDeps): AsyncGenerator<File> {
  const { index, checkpoints, versions, moves } = exported
  const { audit, store } = deps
  yield textFile(bundlePaths.index, canonicalJsonOfDefined(index))
  yield textFile(bundlePaths.readme, bundleReadme(index))
  const key = { federation: audit.federation, publicKey: toHex(audit.publicKey) }
  yield textFile(bundlePaths.auditKey, publicKeyText(key))
  yield textFile(bundlePaths.checkpoints, linesText(checkpoints))
  yield* logFiles(deps, exported)
  for (const [model, all] of moves) yield* modelFiles(deps, model, all, versions)
  for (const version of versions) yield* versionFilesOf(store, version)
  yield* runFiles(deps, exported)
}

/** So many bytes of a log are one file: the length of a file stands before it. */
const LOG_PIECE = 4 * 2 ** 20

async function* logFiles({ audit }: EvidenceDeps, { index, client }: Export): AsyncGenerator<File> {
  let first = 0
  let next = 0
  let size = 0
  let lines: string[] = []
  for await (const line of audit.lines(0, index.records)) {
    const kept = client === undefined ? line : shownTo(client, line)
    lines.push(kept)
    size += kept.length
    next++
    if (size < LOG_PIECE) continue
    yield textFile(`${bundlePaths.log}audit-${first}.jsonl`, linesText(lines))
    first = next
    size = 0
    lines = []
  }
  if (lines.length > 0) yield textFile(`${bundlePaths.log}audit-${first}.jsonl`, linesText(lines))
}

function shownTo(client: string, line: string): string {
  const { record } = readAuditLine(line)
  const shown = record !== undefined && (isOfClient(client, record) || isNeeded(record))
  return shown ? line : redactedLine(line)
}

async function* modelFiles(
  { store: { records } }: EvidenceDeps,
  model: string,
  moves: readonly AliasMove[],
  versions: readonly VersionRecord[],
): AsyncGenerator<File> {
  yield textFile(bundlePaths.aliases(model), linesText(moves.map(({ envelope }) => envelope)))
  const own = versions.filter((one) => one.model === model)
  const approvals = await Promise.all(own.map(({ number }) => records.approvals(model, number)))
  yield textFile(bundlePaths.approvals(model), linesText(approvals.flat().map(({ envelope }) => envelope)))
  const states = await records.versionStates(model)
  yield textFile(bundlePaths.states(model), canonicalJsonOfDefined({ states }))
}

async function* versionFilesOf({ blobs }: EvidenceDeps['store'], version: VersionRecord): AsyncGenerator<File> {
  const folder = bundlePaths.version(version)
  const manifest = manifestIn(version.envelope)
  yield textFile(folder + versionFiles.envelope, version.envelope)
  const copy = manifestBytes(manifest)
  yield { path: folder + versionFiles.manifest, bytes: copy.length, content: copy }
  const stored = new StoredFolder(blobs, manifest.files)
  for (const { path, bytes } of manifest.files) yield { path: folder + path, bytes, content: stored.open(path) }
}

/** What is known of the runs of the versions, and which clients took part; ids and keys, no names. */
async function* runFiles({ api, store }: EvidenceDeps, { versions, client }: Export): AsyncGenerator<File> {
  const took = new Set<string>()
  for (const run of new Set(versions.map((version) => version.run))) {
    const view = await api.run(run).catch((failure: unknown) => {
      // A version outlives what is kept of its run.
      if (ParleyError.from(failure).code === 'run.not-found') return undefined
      throw failure
    })
    if (view === undefined) continue
    for (const { accepted } of view.history) for (const one of accepted) took.add(one)
    if (client === undefined) yield textFile(bundlePaths.run(run), canonicalJsonOfDefined(view))
  }
  const clients = (await store.records.clients())
    .filter(({ id }) => (client === undefined ? took.has(id) : id === client))
    .map(({ id, publicKey }) => ({ id, publicKey }))
  yield textFile(bundlePaths.participants, canonicalJsonOfDefined({ clients }))
}

function textFile(path: string, text: string): File {
  const content = utf8(text)
  return { path, bytes: content.length, content }
}

function linesText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
