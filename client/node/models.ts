import { float32View, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { ModelRef, RoundConfiguration } from '../../core/run/round-configuration.ts'
import { hasControl, withoutControl } from '../../core/tensors/control.ts'
import { type Layout, layoutBytes, layoutLength } from '../../core/tensors/layout.ts'
import { readModel } from '../../core/tensors/safetensors.ts'
import type { Trainer } from '../training/ports.ts'
import type { Fetcher } from './fetcher.ts'
import type { ClientOptions } from './options.ts'
import type { Admission } from './policy.ts'

// The model of this round becomes the base of the next: with two kept, each model is downloaded once.
const KEPT_MODELS = 2

/** Layouts and shared models are many clients' in one process: looked at once. */
const layoutDigests = new WeakMap<Layout, string>()
const sharedModels = new WeakMap<Uint8Array, ReturnType<typeof readModel>>()

type ModelsOptions = Pick<ClientOptions, 'crypto' | 'limits' | 'checkPlan' | 'trainer' | 'sharedBlobs'>

/** A plan, and the text that has its digest. */
type LoadedPlan = { readonly plan: Plan; readonly text: string }

/** Gets what a task names by digest: plans, with the trainer of each, and models. */
export class Models {
  readonly #options: ModelsOptions
  readonly #fetcher: Fetcher
  readonly #files = new Map<string, Uint8Array>()
  #plan: (LoadedPlan & { readonly digest: string }) | undefined
  #trainer: { readonly key: string; readonly trainer: Promise<Trainer> } | undefined

  constructor(options: ModelsOptions, fetcher: Fetcher) {
    this.#options = options
    this.#fetcher = fetcher
  }

  /** The trainer of the plan of a task, made at the plan's first task, and anew where the policy allows other data. */
  async trainer(configuration: RoundConfiguration, signal: AbortSignal, admission?: Admission): Promise<Trainer> {
    const { plan } = await this.load(configuration, signal)
    const { data, resources } = admission ?? {}
    const key = JSON.stringify([configuration.plan.digest, data, resources])
    if (this.#trainer?.key === key) return this.#trainer.trainer
    await this.dispose()
    const trainer = this.#options.trainer(plan, admission)
    this.#trainer = { key, trainer }
    trainer.catch(() => {
      // The data may be mended meanwhile: the next task tries again.
      if (this.#trainer?.trainer === trainer) this.#trainer = undefined
    })
    return trainer
  }

  /** Gets the plan of a task, and checks it. */
  async load(configuration: RoundConfiguration, signal: AbortSignal): Promise<LoadedPlan> {
    const { digest, bytes } = configuration.plan
    if (this.#plan?.digest === digest) return this.#plan
    if (bytes > this.#options.limits.planBytes) throw new ParleyError('node.plan-refused', 'the plan is too large')
    const text = fromUtf8(await this.#fetch(digest, bytes, signal))
    const { checkPlan: check = checkPlan } = this.#options
    const plan = check(JSON.parse(text))
    this.#plan = { digest, plan, text }
    return this.#plan
  }

  /** The plan of a task, once it was loaded. */
  plan({ plan: { digest } }: RoundConfiguration): Plan {
    if (this.#plan?.digest !== digest) throw new ParleyError('internal', 'the plan of the task is not there')
    return this.#plan.plan
  }

  /**
   * The flat vector of a model, of exactly the trainer's layout. Where that has control variates, what is to be evaluated
   * may come without them, as versions are published.
   */
  async weights(
    ref: ModelRef,
    configuration: RoundConfiguration,
    trainer: Trainer,
    signal: AbortSignal,
  ): Promise<Float32Array> {
    this.#checkLayout(trainer.layout, configuration)
    const layouts = layoutsOf(trainer.layout, configuration)
    const file = await this.#file(ref, layouts, signal)
    const { layout, values } = this.#read(file)
    const digest = this.#layoutDigest(layout)
    if (!layouts.some((allowed) => this.#layoutDigest(allowed) === digest)) {
      throw new ParleyError('node.plan-refused', 'the model file has another layout than the signed configuration')
    }
    return float32View(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }

  async #fetch(digest: string, bytes: number, signal: AbortSignal): Promise<Uint8Array> {
    const shared = await this.#options.sharedBlobs?.(digest, bytes)
    return shared ?? (await this.#fetcher.fetch(digest, bytes, signal))
  }

  async dispose(): Promise<void> {
    const trainer = await this.#trainer?.trainer.catch(() => undefined)
    this.#trainer = undefined
    trainer?.dispose()
  }

  #checkLayout(layout: Layout, configuration: RoundConfiguration): void {
    const fits = layoutLength(layout) === configuration.parameters
    if (fits && this.#layoutDigest(layout) === configuration.layout) return
    throw new ParleyError('node.plan-refused', 'the model that this client builds from the plan has another layout')
  }

  #layoutDigest(layout: Layout): string {
    const known = layoutDigests.get(layout)
    if (known !== undefined) return known
    const digest = toHex(this.#options.crypto.sha256(layoutBytes(layout)))
    layoutDigests.set(layout, digest)
    return digest
  }

  #read(file: Uint8Array): ReturnType<typeof readModel> {
    // Only what nobody writes to is what it was.
    const shared = this.#options.sharedBlobs !== undefined && file.buffer instanceof SharedArrayBuffer
    const known = shared ? sharedModels.get(file) : undefined
    const model = known ?? readModel(file)
    if (shared) sharedModels.set(file, model)
    return model
  }

  /** Makes room for one more file, and gives the memory of the one that had to go. */
  #oldest(): Uint8Array | undefined {
    let freed: Uint8Array | undefined
    for (const [digest, file] of this.#files) {
      if (this.#files.size < KEPT_MODELS) break
      this.#files.delete(digest)
      freed = file
    }
    return freed
  }

  async #file(ref: ModelRef, layouts: readonly Layout[], signal: AbortSignal): Promise<Uint8Array> {
    const kept = this.#files.get(ref.digest)
    if (kept !== undefined) return kept
    const { limits } = this.#options
    const fits = (layout: Layout) => {
      const headerBytes = ref.bytes - 4 * layoutLength(layout)
      return headerBytes >= 8 && headerBytes <= limits.headerBytes + 8
    }
    if (ref.bytes > limits.modelBytes || !layouts.some(fits)) {
      throw new ParleyError('node.plan-refused', `a model file of ${ref.bytes} bytes does not fit its parameters`)
    }
    const shared = await this.#options.sharedBlobs?.(ref.digest, ref.bytes)
    if (shared !== undefined) return shared
    const file = await this.#fetcher.fetch(ref.digest, ref.bytes, signal, this.#oldest())
    this.#files.set(ref.digest, file)
    return file
  }
}

/** The layouts that a model file of a task may have. */
function layoutsOf(layout: Layout, { kind }: RoundConfiguration): readonly Layout[] {
  return kind === 'evaluate' && hasControl(layout) ? [layout, withoutControl(layout)] : [layout]
}
