import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import { idField, keyField } from '../../core/run/fields.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { readIfThere, replaceDurably } from './durable-file.ts'
import type { Asked, Verdict } from './facts.ts'
import type { TrustedPolicy } from './policy-file.ts'
import { readDecision, type SignedDecision } from './signed.ts'

const count = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER)

const heldSchema = z.strictObject({
  v: z.literal(1),
  coordinator: keyField,
  /** When it was held for the first time. */
  at: z.string().max(40),
  why: z.string().max(2_000),
  /** The study that asks for a review; absent where none covers the plan. */
  study: z.string().max(100).optional(),
  run: idField,
  round: count,
  cohort: count,
  parameters: count,
})

type Hold = Extract<Verdict, { kind: 'hold' }>

export type Held = z.output<typeof heldSchema>
/** A plan that waits for people, or did. */
export type Review = {
  readonly digest: string
  readonly plan: Plan
  readonly held: Held
  readonly decisions: readonly SignedDecision[]
}

/** More plans are not kept: whoever invents them must not fill a disk. */
const MOST_REVIEWS = 500

/** Plans that people have to look at, each in a folder named by its digest, with what they decided. */
export class Reviews {
  readonly #crypto: Crypto
  readonly #folder: string
  readonly #client: string

  /** - `client`: the client's own key, which decisions must name. */
  constructor(crypto: Crypto, folder: string, client: Uint8Array) {
    this.#crypto = crypto
    this.#folder = folder
    this.#client = toHex(client)
  }

  /**
   * Keeps a plan that is held, in the text that has its digest. Throws `node.plan-refused` when too many are kept already.
   */
  async hold({ digest, coordinator, task }: Asked, text: string, { why, study }: Hold, now: number): Promise<void> {
    const before = await this.#held(digest)
    if (before?.coordinator === coordinator && before.study === study && before.run === task.run) return
    if (before === undefined && (await this.#digests()).length >= MOST_REVIEWS) {
      throw new ParleyError('node.plan-refused', 'too many plans wait for people at this site')
    }
    const { run, round, cohort, parameters } = task
    const at = before?.at ?? new Date(now).toISOString()
    const named = study === undefined ? {} : { study }
    const held: Held = { v: 1, coordinator, at, why: why.slice(0, 2_000), ...named, run, round, cohort, parameters }
    await mkdir(join(this.#folder, digest), { recursive: true, mode: 0o700 })
    await replaceDurably(join(this.#folder, digest, 'plan.json'), text)
    await replaceDurably(join(this.#folder, digest, 'held.json'), `${JSON.stringify(held)}\n`)
  }

  /** All plans that were held, the newest last. */
  async list(trusted: TrustedPolicy): Promise<Review[]> {
    const reviews: Review[] = []
    for (const digest of await this.#digests()) {
      const review = await this.find(digest, trusted)
      if (review !== undefined) reviews.push(review)
    }
    return reviews.sort((a, b) => (a.held.at < b.held.at ? -1 : 1))
  }

  /** Undefined where no such plan was held. Throws `policy.unsigned` where its text is not the one of the digest. */
  async find(digest: string, trusted: TrustedPolicy): Promise<Review | undefined> {
    const held = await this.#held(digest)
    const bytes = await readIfThere(join(this.#folder, digest, 'plan.json'), defaultLimits.planBytes)
    if (held === undefined || bytes === undefined) return undefined
    if (toHex(this.#crypto.sha256(bytes)) !== digest) {
      throw new ParleyError('policy.unsigned', `the plan kept for ${digest} has another digest`)
    }
    const plan = checkPlan(JSON.parse(fromUtf8(bytes)))
    return { digest, plan, held, decisions: await this.decisions(digest, held.coordinator, trusted) }
  }

  /** What people whom the policy knows decided about this plan of this coordinator; whatever else lies there is nothing. */
  async decisions(digest: string, coordinator: string, { policy, siteKeys }: TrustedPolicy): Promise<SignedDecision[]> {
    const keys = [...siteKeys, ...Object.values(policy.approvers).flatMap((text) => fromHex(text) ?? [])]
    const found: SignedDecision[] = []
    for (const key of new Set(keys.map(toHex))) {
      const bytes = await readIfThere(this.#decisionPath(digest, key), ENVELOPE_BYTES)
      const signed = bytes === undefined ? undefined : this.#read(bytes, key)
      if (signed === undefined) continue
      const { plan, client, coordinator: of } = signed.decision
      if (plan === digest && client === this.#client && of === coordinator) found.push(signed)
    }
    return found
  }

  /** Puts the decision of a key in the place of its earlier one. */
  async decide(digest: string, key: Uint8Array, envelope: string): Promise<void> {
    await replaceDurably(this.#decisionPath(digest, toHex(key)), envelope)
  }

  #read(bytes: Uint8Array, key: string): SignedDecision | undefined {
    try {
      return readDecision(this.#crypto, [fromHex(key) ?? utf8('')], bytes)
    } catch {
      return undefined
    }
  }

  #decisionPath(digest: string, key: string): string {
    return join(this.#folder, digest, `decision-${key}.dsse.json`)
  }

  async #digests(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name))
  }

  async #held(digest: string): Promise<Held | undefined> {
    const path = join(this.#folder, digest, 'held.json')
    const bytes = await readIfThere(path, 64 * 1024)
    if (bytes === undefined) return undefined
    try {
      return heldSchema.parse(JSON.parse(fromUtf8(bytes)))
    } catch (cause) {
      throw new ParleyError('config.invalid', `${path} is damaged`, { cause })
    }
  }
}
