import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { DataFiles } from '../data/load.ts'
import type { Admission, PolicyRequest, TaskPolicy } from '../node/policy.ts'
import { DayCounters } from './day-counters.ts'
import { evaluatePolicy } from './evaluate.ts'
import type { Asked, Facts, Verdict } from './facts.ts'
import { dayIn } from './hours.ts'
import { updateBytes } from './leaving.ts'
import { approvalsNeeded, loadPolicy, type TrustedPolicy } from './policy-file.ts'
import { Reviews } from './reviews.ts'
import type { Policy, PolicyData } from './schema.ts'
import { sizeBytes } from './size.ts'
import { standingOf } from './standing.ts'

export type FilePolicyOptions = {
  readonly crypto: Crypto
  readonly clock: Pick<Clock, 'now'>
  /** `policy.yaml`, with `policy.dsse.json` beside it. Paths of data in it are relative to its folder. */
  readonly path: string
  /** The file with the public keys, in hex, one in a line, with all of which the policy must be signed. */
  readonly keyPath: string
  /** Where counters and plans under review are kept. */
  readonly state: string
  /** The client's own public key. */
  readonly client: Uint8Array
  /** The only data that the node may use, where it was started for some. */
  readonly data?: DataFiles
  /** Told why the policy allows nothing, once for each reason in a row. */
  readonly onInvalid?: (error: ParleyError) => void
}

type Restriction = Pick<Facts, 'moment' | 'leaving' | 'data' | 'loaded'>
type Judged = { readonly verdict: Verdict; readonly trusted: TrustedPolicy; readonly day: string }

/**
 * The policy in a file, read anew at each task and before each answer, so that a new one, or none, holds at once. What is wrong
 * with it is told here, and the coordinator its code alone.
 */
export async function filePolicy(options: FilePolicyOptions): Promise<TaskPolicy> {
  const policy = new FilePolicy(options)
  await policy.look()
  return policy
}

/** Where plans under review are kept below the folder of the state. */
export function reviewsIn(options: Pick<FilePolicyOptions, 'crypto' | 'state' | 'client'>): Reviews {
  return new Reviews(options.crypto, join(options.state, 'reviews'), options.client)
}

class FilePolicy implements TaskPolicy {
  readonly #options: FilePolicyOptions
  readonly #counters: DayCounters
  readonly #reviews: Reviews
  #told: string | undefined

  constructor(options: FilePolicyOptions) {
    this.#options = options
    this.#counters = new DayCounters(join(options.state, 'today.json'))
    this.#reviews = reviewsIn(options)
  }

  /** Tells what is wrong with the policy before the first task. */
  async look(): Promise<void> {
    await this.#load().catch(() => {})
  }

  async admit(request: PolicyRequest): Promise<Admission> {
    const { task } = request
    const { asked, leaving } = askedOf(request)
    const { verdict, trusted, day } = await this.#judge(asked, { moment: 'begin', leaving })
    if (verdict.kind === 'hold') await this.#reviews.hold(asked, request.text, verdict, this.#options.clock.now())
    const { data: name, engines } = allowed(verdict)
    const data = this.#filesOf(trusted.policy, name)
    if (task.kind === 'train') await this.#counters.begin(day, keyOf(asked))
    const later = async (restriction: Restriction) => await this.#judge(asked, { ...restriction, data: name })
    return {
      data,
      ...(engines === undefined ? {} : { engines }),
      ...limitsOf(trusted.policy),
      loaded: async ({ engine, rows }) => {
        allowed((await later({ moment: 'loaded', leaving, loaded: { engine, rows } })).verdict)
      },
      leave: async (bytes) => {
        const { verdict, day } = await later({ moment: 'leave', leaving: bytes })
        allowed(verdict)
        await this.#counters.send(day, bytes)
      },
    }
  }

  async holds(request: PolicyRequest): Promise<boolean> {
    const { asked, leaving } = askedOf(request)
    const { verdict } = await this.#judge(asked, { moment: 'begin', leaving })
    return verdict.kind === 'hold'
  }

  async #judge(asked: Asked, restriction: Restriction): Promise<Judged> {
    const trusted = await this.#load()
    const now = this.#options.clock.now()
    const { policy } = trusted
    const day = dayIn(now, policy.timeZone)
    const today = await this.#counters.today(day)
    const decisions = await this.#reviews.decisions(asked.digest, asked.coordinator, trusted)
    const rounds = today.rounds.filter((key) => key !== keyOf(asked)).length
    const standing = standingOf(approvalsNeeded(trusted), decisions, now)
    const facts = { ...restriction, now, today: { rounds, bytes: today.bytes }, standing }
    return { verdict: evaluatePolicy(policy, asked, facts), trusted, day }
  }

  async #load(): Promise<TrustedPolicy> {
    const { crypto, path, keyPath, onInvalid } = this.#options
    try {
      const trusted = await loadPolicy(crypto, path, keyPath)
      this.#told = undefined
      return trusted
    } catch (failure) {
      const error = ParleyError.from(failure)
      const told = `${error.code}: ${error.message}`
      if (told !== this.#told) onInvalid?.(error)
      this.#told = told
      // Paths and lines of the site's files are nobody else's business.
      throw new ParleyError('node.plan-refused', `the policy of this client allows nothing: ${error.code}`)
    }
  }

  #filesOf(policy: Policy, name: string): DataFiles {
    const found = Object.hasOwn(policy.data, name) ? policy.data[name] : undefined
    if (found === undefined) throw new ParleyError('internal', 'the policy allowed a data set that it does not have')
    const { path, data: given } = this.#options
    const files = filesOf(found, dirname(path))
    if (given !== undefined && JSON.stringify(files) !== JSON.stringify(absolute(given))) {
      throw new ParleyError(
        'node.plan-refused',
        `the data set ${name} is not the data that this client was started with`,
      )
    }
    return files
  }
}

function allowed(verdict: Verdict): Extract<Verdict, { kind: 'allow' }> {
  if (verdict.kind === 'allow') return verdict
  throw new ParleyError(verdict.kind === 'hold' ? 'node.plan-held' : 'node.plan-refused', verdict.why)
}

function keyOf({ task: { run, round } }: Asked): string {
  return `${run}/${round}`
}

function limitsOf({ privacy, records, resources }: Policy): Pick<Admission, 'budget' | 'recordBudget' | 'resources'> {
  const { cpuShare, memory } = resources ?? {}
  const share = cpuShare === undefined ? {} : { cpuShare }
  const bytes = memory === undefined ? {} : { memoryBytes: sizeBytes(memory) }
  const budgets = {
    ...(privacy === undefined ? {} : { budget: privacy }),
    ...(records === undefined ? {} : { recordBudget: records }),
  }
  return { ...budgets, resources: { ...share, ...bytes } }
}

/** Where a data set of a policy lies that is in this folder. */
export function filesOf(data: PolicyData, folder: string): DataFiles {
  if ('csv' in data && data.csv !== undefined) return { csv: resolve(folder, data.csv) }
  if (!('idx' in data)) throw new ParleyError('internal', 'a data set of a policy has neither form')
  return { images: resolve(folder, data.idx.images), labels: resolve(folder, data.idx.labels) }
}

function absolute(files: DataFiles): DataFiles {
  if ('csv' in files) return { csv: resolve(files.csv) }
  return { images: resolve(files.images), labels: resolve(files.labels) }
}

function askedOf({ task, plan, coordinator }: PolicyRequest): { readonly asked: Asked; readonly leaving: number } {
  const asked: Asked = {
    plan,
    digest: task.plan.digest,
    coordinator: toHex(coordinator),
    task: { ...task, clip: task.kind === 'train' ? task.clip : undefined },
  }
  return { asked, leaving: task.kind === 'train' ? updateBytes(plan, task.parameters) : 0 }
}
