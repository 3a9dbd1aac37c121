import { ParleyError } from '../../core/errors/index.ts'
import { type Manifest, versionFiles } from '../../core/release/manifest.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'
import { readModel } from '../../core/tensors/safetensors.ts'

/** `stable`: the alias points at it; `canary`: it is the challenger, and this consumer gets it; `pinned`: asked for by number. */
export type Why = 'stable' | 'canary' | 'pinned'

/** The rollout that a version is compared in, and on which side this consumer has it. */
export type InRollout = { readonly id: string; readonly side: 'champion' | 'challenger' }

export type Tensor = { readonly shape: readonly number[]; readonly values: Float32Array }

/**
 * A version that was verified, whole, in memory: what was hashed is what is given out. It never changes, whatever becomes of
 * the alias, the cache or the registry; who holds it goes on with it.
 */
export class OpenVersion {
  readonly model: string
  readonly number: number
  /** Root digest of the version's folder `model/`, in hex. */
  readonly root: string
  readonly why: Why
  /** The rollout that this consumer's answers belonged to when the version was taken; undefined: none. */
  readonly rollout: InRollout | undefined
  /** As the registry signed it; frozen. */
  readonly manifest: Manifest
  readonly #files: ReadonlyMap<string, Uint8Array>

  /** `files` holds every file of the manifest, and belongs to this object from now on. */
  constructor(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>, why: Why, rollout?: InRollout) {
    this.manifest = frozen(manifest)
    this.model = manifest.model
    this.number = manifest.number
    this.root = manifest.root
    this.why = why
    this.rollout = rollout === undefined ? undefined : Object.freeze({ ...rollout })
    this.#files = files
    Object.freeze(this)
  }

  /** A copy of a file, like `model/config.json`. Throws `object.not-found` for a path that the manifest does not list. */
  bytes(path: string): Uint8Array {
    return this.#file(path).slice()
  }

  /** Copies of the weights: tensors by name, float32, row-major. Each call copies: keep what you got. */
  weights(): ReadonlyMap<string, Tensor> {
    const { layout, values } = readModel(this.#file(versionFiles.weights))
    const tensors = new Map<string, Tensor>()
    for (const { tensor, offset, length } of tensorsIn(layout)) {
      tensors.set(tensor.name, { shape: tensor.shape, values: values.slice(offset, offset + length) })
    }
    return tensors
  }

  /** The same version for another reason, or in another rollout. */
  as(why: Why, rollout: InRollout | undefined): OpenVersion {
    const same = why === this.why && rollout?.id === this.rollout?.id && rollout?.side === this.rollout?.side
    return same ? this : new OpenVersion(this.manifest, this.#files, why, rollout)
  }

  #file(path: string): Uint8Array {
    const bytes = this.#files.get(path)
    if (bytes === undefined) throw new ParleyError('object.not-found', 'the version has no file of this path')
    return bytes
  }
}

function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) frozen(member)
  }
  return value
}
