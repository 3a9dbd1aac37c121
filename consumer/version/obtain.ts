import type { FolderEntry, FolderReader } from '../../core/attestation/ports.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { type Manifest, type VersionFile, versionFiles } from '../../core/release/manifest.ts'
import { verifyVersion } from '../../core/release/verify.ts'
import type { Registry } from '../http/registry.ts'
import type { Settings } from '../options.ts'
import { cachedFile, downloadFile } from './file.ts'
import { followsFromWeights, readManifest, type Target } from './manifest.ts'
import { OpenVersion, type Why } from './open-version.ts'

export type ObtainDeps = {
  readonly settings: Settings
  /** Absent: from the cache alone. */
  readonly registry: Registry | undefined
  /** The signed manifest as it was kept when the version was in use. */
  readonly keptEnvelope: (target: Target) => Uint8Array | undefined
  /** Before the first byte is downloaded: files that the cache must not drop, and how many bytes are missing. */
  readonly onDownload: (target: Target, manifest: Manifest, bytes: number) => Promise<void>
}

/** A version with the envelope that it was verified by. */
export type Obtained = { readonly version: OpenVersion; readonly envelope: Uint8Array }

/**
 * Gets a version from the cache, and what is missing from the registry, and verifies all of it as if it came from a stranger.
 * Throws `verify.failed` for anything else than that version as it was signed, and what `ask` throws.
 */
export async function obtain(deps: ObtainDeps, target: Target, why: Why, signal: AbortSignal): Promise<Obtained> {
  const { settings, registry, keptEnvelope } = deps
  const { crypto, key, maxBytes } = settings
  let envelope = keptEnvelope(target)
  let manifest = envelope === undefined ? undefined : readable(deps, target, envelope)
  if (envelope === undefined || manifest === undefined) {
    envelope = await (registry ?? absent()).envelope(target.number, signal)
    manifest = readManifest(crypto, key, envelope, target, maxBytes)
  }
  const files = await allFiles(deps, target, manifest, signal)
  const result = await verifyVersion({
    crypto,
    ecdsa: settings.ecdsa,
    publicKey: key,
    envelope,
    folder: new FilesInMemory(files),
    expected: { model: target.model, number: target.number, root: manifest.root },
  })
  if (result.failed !== undefined || result.manifest === undefined) {
    const detail = result.checks.find(({ name }) => name === result.failed)?.detail ?? ''
    throw new ParleyError('verify.failed', `version ${target.number}: ${result.failed}: ${detail}`)
  }
  return { version: new OpenVersion(result.manifest, files, why), envelope }
}

/** What a cache kept is of no use when it cannot be verified; then it is asked for again. */
function readable({ settings }: ObtainDeps, target: Target, envelope: Uint8Array): Manifest | undefined {
  try {
    return readManifest(settings.crypto, settings.key, envelope, target, settings.maxBytes)
  } catch {
    return undefined
  }
}

async function allFiles(
  { settings, registry, onDownload }: ObtainDeps,
  target: Target,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  const missing: VersionFile[] = []
  const listed = manifest.files.filter((file) => !followsFromWeights(file))
  for (const file of listed) {
    if (signal.aborted) throw new ParleyError('interrupted')
    const bytes = await cachedFile(settings, file)
    if (bytes === undefined) missing.push(file)
    else files.set(file.path, bytes)
  }
  if (missing.length > 0) {
    if (registry === undefined) return absent()
    const due = missing.reduce((sum, { bytes }) => sum + bytes, 0)
    await onDownload(target, manifest, due)
    for (const file of missing) {
      files.set(file.path, await downloadFile({ ...settings, registry }, manifest, file, signal))
    }
  }
  const weights = files.get(versionFiles.weights)
  for (const { path, bytes } of manifest.files.filter(followsFromWeights)) {
    // Nothing but a view: whether it is what the manifest lists is found out with all the rest.
    if (weights !== undefined) files.set(path, weights.subarray(Math.max(0, weights.length - bytes)))
  }
  return files
}

function absent(): never {
  throw new ParleyError('object.not-found', 'the version is not in the cache')
}

/** A version's folder in memory. */
class FilesInMemory implements FolderReader {
  readonly #files: ReadonlyMap<string, Uint8Array>

  constructor(files: ReadonlyMap<string, Uint8Array>) {
    this.#files = files
  }

  *list(skip: (path: string) => boolean): Generator<FolderEntry> {
    for (const path of this.#files.keys()) if (!skip(path)) yield { path, kind: 'file' }
  }

  open(path: string): Iterable<Uint8Array> {
    const bytes = this.#files.get(path)
    if (bytes === undefined) throw new ParleyError('internal', `${path} is not in memory`)
    return [bytes]
  }
}
