import type { Crypto, Hasher } from '../crypto/primitives.ts'
import { concatBytes, float32View, toHex } from '../encoding/bytes.ts'
import { readConfig } from '../export/config-json.ts'
import { LOGISTIC_PARAMETERS, logisticJson } from '../export/logistic-json.ts'
import { tfjsModelJson } from '../export/tfjs-layers.ts'
import { layoutBytes } from '../tensors/layout.ts'
import { type Manifest, type VersionFile, versionFiles } from './manifest.ts'

const { tfjsModel, tfjsWeights, logistic, exports: statement } = versionFiles
const paths: readonly string[] = [tfjsModel, tfjsWeights, logistic]

/** Where the derivatives of a version lie. */
export const EXPORTS = 'exports/'

/**
 * Takes the configuration and the data of the weights as they are verified, and says whether the derivatives that a manifest lists
 * are what follows from them. Of the weights it holds a hash, and the values only of a logistic model that is listed.
 */
export class ExportsCheck {
  readonly #crypto: Pick<Crypto, 'hasher' | 'sha256'>
  readonly #manifest: Manifest
  readonly #hasher: Hasher
  readonly #config: Uint8Array[] = []
  readonly #values: Uint8Array[] = []
  readonly #keepsValues: boolean
  #dataBytes = 0

  constructor(crypto: Pick<Crypto, 'hasher' | 'sha256'>, manifest: Manifest) {
    this.#crypto = crypto
    this.#manifest = manifest
    this.#hasher = crypto.hasher()
    this.#keepsValues = manifest.files.some(({ path }) => path === logistic)
  }

  /** Undefined for a version without derivatives, of which nothing is to be kept. */
  static of(crypto: Pick<Crypto, 'hasher' | 'sha256'>, manifest: Manifest): ExportsCheck | undefined {
    const any = manifest.files.some(({ path }) => path.startsWith(EXPORTS) || path === statement)
    return any ? new ExportsCheck(crypto, manifest) : undefined
  }

  get listed(): readonly VersionFile[] {
    return this.#manifest.files.filter(({ path }) => path.startsWith(EXPORTS))
  }

  addConfig(piece: Uint8Array): void {
    this.#config.push(piece.slice())
  }

  /** The flat vector of the weights, piece by piece. */
  addData(piece: Uint8Array): void {
    this.#hasher.update(piece)
    this.#dataBytes += piece.length
    if (this.#keepsValues && this.#manifest.parameters <= LOGISTIC_PARAMETERS) this.#values.push(piece.slice())
  }

  /** What is wrong with the listed derivatives, or undefined. Everything was added, and verified. May be called once. */
  problem(): string | undefined {
    const listed = new Map(this.listed.map((file) => [file.path, file]))
    const stray = [...listed.keys()].find((path) => !paths.includes(path))
    if (stray !== undefined) return `${stray} is no export of a version`
    if (listed.size === 0) return `${statement} is about nothing`
    if (listed.has(tfjsModel) !== listed.has(tfjsWeights)) return 'an export for TensorFlow.js has two files'
    if (!this.#manifest.files.some(({ path }) => path === statement)) return `${statement} is missing`
    try {
      return this.#difference(listed)
    } catch (failure) {
      return failure instanceof Error ? failure.message : String(failure)
    }
  }

  #difference(listed: ReadonlyMap<string, VersionFile>): string | undefined {
    const config = readConfig(concatBytes(...this.#config))
    const layout = toHex(this.#crypto.sha256(layoutBytes(config.layout)))
    if (layout !== this.#manifest.layout) return 'config.json has another layout than the weights'
    const made = new Map<string, { readonly bytes: number; readonly sha256: string }>()
    const add = (path: string, bytes: Uint8Array) =>
      made.set(path, { bytes: bytes.length, sha256: toHex(this.#crypto.sha256(bytes)) })
    if (listed.has(tfjsModel)) {
      add(tfjsModel, tfjsModelJson(config).bytes)
      made.set(tfjsWeights, { bytes: this.#dataBytes, sha256: toHex(this.#hasher.digest()) })
    }
    if (listed.has(logistic)) {
      if (this.#manifest.parameters > LOGISTIC_PARAMETERS) return `${logistic} is of too large a model`
      add(logistic, logisticJson({ ...config, weights: float32View(concatBytes(...this.#values)) }).bytes)
    }
    for (const [path, { bytes, sha256 }] of listed) {
      const due = made.get(path)
      if (due?.bytes !== bytes || due.sha256 !== sha256) return `${path} is not what follows from the weights`
    }
    return undefined
  }
}
