import { FolderProblem, listFolder } from '../attestation/model-signing/folder.ts'
import { verifyModel } from '../attestation/model-signing/verify.ts'
import { concatBytes, equalBytes, toHex } from '../encoding/bytes.ts'
import { attestationProblem } from './attestations.ts'
import { EXPORTS, ExportsCheck } from './exports-check.ts'
import { type Manifest, manifestBytes, type VersionFile, versionFiles } from './manifest.ts'
import { SubFolder } from './sub-folder.ts'
import type { VersionToVerify } from './verify.ts'
import { WeightsCheck } from './weights-check.ts'

/** Largest file that is held in memory while it is checked: signatures and attestations. */
const SMALL_FILE_BYTES = 1024 * 1024

/** The checks of a version's folder against its manifest, which is believed. Each gives the problem, or undefined. */
export class FolderCheck {
  readonly #version: VersionToVerify
  readonly #manifest: Manifest
  readonly #files: ReadonlyMap<string, VersionFile>
  readonly #weights: WeightsCheck
  readonly #exports: ExportsCheck | undefined
  #digests: ReadonlyMap<string, string> = new Map()
  #lengths: ReadonlyMap<string, number> = new Map()
  #signature: Uint8Array = new Uint8Array(0)

  constructor(version: VersionToVerify, manifest: Manifest) {
    this.#version = version
    this.#manifest = manifest
    this.#files = new Map(manifest.files.map((file) => [file.path, file]))
    this.#exports = ExportsCheck.of(version.crypto, manifest)
    this.#weights = new WeightsCheck(version.crypto, manifest, (piece) => this.#exports?.addData(piece))
  }

  async listing(): Promise<string | undefined> {
    const { folder } = this.#version
    const own: ReadonlySet<string> = new Set([versionFiles.manifest, versionFiles.envelope])
    try {
      const found = await listFolder(folder, { ignored: () => false, files: this.#manifest.files })
      const stray = [...found].find((path) => !this.#files.has(path) && !own.has(path))
      if (stray !== undefined) return `${JSON.stringify(stray.slice(0, 200))} is in no manifest`
      if (!found.has(versionFiles.manifest)) return undefined
      const copy = await this.#small(versionFiles.manifest)
      return equalBytes(copy, manifestBytes(this.#manifest)) ? undefined : 'manifest.json is not what was signed'
    } catch (failure) {
      if (failure instanceof FolderProblem) return failure.message
      throw failure
    }
  }

  async model(): Promise<string | undefined> {
    const { crypto, ecdsa, folder, handOn } = this.#version
    const { releaseKey, root } = this.#manifest
    if (!this.#files.has(versionFiles.weights)) return 'the manifest lists no weights'
    this.#signature = await this.#small(versionFiles.signature)
    if ((await ecdsa.curveOf(releaseKey)) === undefined) return 'the release key is no key on a known curve'
    const result = await verifyModel({
      crypto,
      ecdsa,
      trust: { method: 'key', publicKeys: [releaseKey] },
      bundle: this.#signature,
      folder: new SubFolder(folder, 'model'),
      profile: 'parley',
      expected: { name: 'model', root },
      handOn: (path, piece) => {
        if (`model/${path}` === versionFiles.weights) this.#weights.add(piece)
        if (`model/${path}` === versionFiles.config) this.#exports?.addConfig(piece)
        return handOn?.(`model/${path}`, piece)
      },
    })
    if (result.failed !== undefined) {
      const detail = result.checks.find(({ name }) => name === result.failed)?.detail ?? ''
      return `${result.failed}: ${detail}`
    }
    const resources = result.statement?.predicate.resources ?? []
    this.#digests = new Map(resources.map(({ name, digest }) => [`model/${name}`, digest]))
    this.#lengths = new Map(result.files.map(({ path, bytes }) => [`model/${path}`, bytes]))
    return undefined
  }

  async layout(): Promise<string | undefined> {
    return this.#weights.length() ?? this.#weights.digest() ?? this.#weights.layout()
  }

  async files(): Promise<string | undefined> {
    for (const { path, sha256, bytes } of this.#manifest.files) {
      if (path.startsWith('attestations/') || path.startsWith(EXPORTS)) continue
      const isSignature = path === versionFiles.signature
      const length = isSignature ? this.#signature.length : this.#lengths.get(path)
      if (length === undefined) return `${path} was not signed with the model`
      if (length !== bytes) return `${path} has ${length} of ${bytes} bytes`
      const digest = isSignature ? this.#sha256(this.#signature) : this.#digests.get(path)
      if (digest !== sha256) return `${path} has SHA-256 ${digest}, not ${sha256}`
    }
    return undefined
  }

  async attestations(): Promise<string | undefined> {
    const { crypto, publicKey, handOn } = this.#version
    const needed = [versionFiles.provenance, versionFiles.gates].find((path) => !this.#files.has(path))
    if (needed !== undefined) return `${needed} is missing`
    for (const { path, sha256, bytes } of this.#manifest.files) {
      if (!path.startsWith('attestations/')) continue
      const content = await this.#small(path)
      if (content.length !== bytes || this.#sha256(content) !== sha256) return `${path} is not what the manifest lists`
      const problem = await attestationProblem(crypto, publicKey, this.#manifest, path, content)
      if (problem !== undefined) return `${path}: ${problem}`
      await handOn?.(path, content)
    }
    return undefined
  }

  /** Derivatives are what follows from the weights, and each lies there as the manifest lists it. */
  async exports(): Promise<string | undefined> {
    if (this.#exports === undefined) return undefined
    const { crypto, folder, handOn } = this.#version
    const problem = this.#exports.problem()
    if (problem !== undefined) return problem
    for (const { path, sha256, bytes } of this.#exports.listed) {
      const hasher = crypto.hasher()
      let length = 0
      for await (const piece of folder.open(path)) {
        length += piece.length
        if (length > bytes) return `${path} has more than ${bytes} bytes`
        hasher.update(piece)
        await handOn?.(path, piece)
      }
      if (length !== bytes || toHex(hasher.digest()) !== sha256) return `${path} is not what the manifest lists`
    }
    return undefined
  }

  async #small(path: string): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of this.#version.folder.open(path)) {
      length += piece.length
      // What is longer than this is none of the files that are read so; its digest cannot be right.
      if (length > SMALL_FILE_BYTES) break
      pieces.push(piece)
    }
    return concatBytes(...pieces)
  }

  #sha256(bytes: Uint8Array): string {
    return toHex(this.#version.crypto.sha256(bytes))
  }
}
