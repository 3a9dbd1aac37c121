import { ParleyError } from '../../core/errors/index.ts'
import type { Keeper } from '../cache/keeper.ts'
import type { KeptVersion } from '../cache/known.ts'
import type { ConsumerEvent } from '../events.ts'
import type { Registry } from '../http/registry.ts'
import { consumerLimits } from '../limits.ts'
import type { Settings } from '../options.ts'
import type { Target } from '../version/manifest.ts'
import { type Obtained, obtain } from '../version/obtain.ts'
import type { OpenVersion } from '../version/open-version.ts'
import { Backoff } from '../wait.ts'
import type { Goal } from './ledger.ts'

export type SwitcherDeps = {
  readonly model: string
  readonly settings: Settings
  readonly registry: Registry
  readonly keeper: Keeper
  readonly tell: (event: ConsumerEvent) => void
  readonly isWithdrawn: (number: number) => boolean
  readonly onSwitch: (version: OpenVersion) => void
  /** Goes on trying until it succeeds or the goal is another. */
  readonly persistent: boolean
}

type Aim = {
  /** May become another way to the same version. */
  goal: Goal
  readonly controller: AbortController
  /** How the last attempt ends; one that was given up ends well. */
  outcome: Promise<void>
  over: boolean
  /** An attempt failed, and the next one is waited for. */
  waiting: boolean
}

/**
 * Gets the version that is aimed at, one at a time: a new goal ends the work for the one before. What is in use changes by
 * one assignment, and only to a version that was verified whole.
 */
export class Switcher {
  readonly #deps: SwitcherDeps
  #current: OpenVersion | undefined
  #aim: Aim | undefined
  #switches = 0

  constructor(deps: SwitcherDeps) {
    this.#deps = deps
  }

  get current(): OpenVersion | undefined {
    return this.#current
  }

  /** `again`: at once, even when the next attempt at the same goal is waited for. */
  aim(goal: Goal, again = false): void {
    const { target, why, rollout } = goal
    const before = this.#aim
    const working = before !== undefined && !before.over && !(again && before.waiting)
    if (working && isSame(before.goal.target, target)) {
      before.goal = goal
      return
    }
    before?.controller.abort()
    const controller = new AbortController()
    const aim: Aim = { goal, controller, outcome: Promise.resolve(), over: false, waiting: false }
    this.#aim = aim
    if (this.#current !== undefined && isSame(target, this.#current)) {
      aim.over = true
      this.#current = this.#current.as(why, rollout)
      return
    }
    // What is in use until then is not what this consumer is to report of.
    this.#current = this.#current?.as(this.#current.why, undefined)
    void this.#work(aim)
  }

  /** Gives up what is aimed at. */
  stop(): void {
    this.#aim?.controller.abort()
    this.#aim = undefined
  }

  /** Resolves when the version that is aimed at by then is in use; rejects with why the attempt at it failed. */
  async settled(): Promise<void> {
    for (;;) {
      const aim = this.#aim
      await aim?.outcome
      if (aim === this.#aim) return
    }
  }

  /** Uses the first of these versions that the cache holds whole and that was not withdrawn; false when there is none. */
  async fallBack(candidates: readonly (KeptVersion | undefined)[], signal: AbortSignal): Promise<boolean> {
    const switches = this.#switches
    for (const kept of candidates) {
      if (kept === undefined || this.#deps.isWithdrawn(kept.number)) continue
      const obtained = await this.#fromCache(kept, signal)
      // Meanwhile the version that is aimed at may have come.
      if (this.#switches > switches) return true
      if (obtained === undefined || this.#deps.isWithdrawn(kept.number)) continue
      await this.#use(obtained)
      return true
    }
    return false
  }

  async #fromCache({ number, root, why }: KeptVersion, signal: AbortSignal): Promise<Obtained | undefined> {
    const { settings, keeper, model } = this.#deps
    try {
      return await obtain(
        {
          settings,
          registry: undefined,
          keptEnvelope: (target) => keptEnvelope(keeper, target),
          onDownload: async () => {},
        },
        { model, number, root },
        why,
        signal,
      )
    } catch (failure) {
      this.#refused(failure)
      return undefined
    }
  }

  async #work(aim: Aim): Promise<void> {
    const { settings, persistent } = this.#deps
    const { signal } = aim.controller
    const backoff = new Backoff(settings.random, consumerLimits.backoffMs)
    const givenUp = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    for (;;) {
      aim.outcome = Promise.race([this.#attempt(aim), givenUp])
      const failed = await aim.outcome.then(
        () => false,
        () => true,
      )
      if (!failed || signal.aborted) return
      if (!persistent) {
        aim.over = true
        return
      }
      aim.waiting = true
      try {
        await backoff.wait(settings.clock, signal)
      } catch {
        return
      }
      aim.waiting = false
    }
  }

  async #attempt(aim: Aim): Promise<void> {
    const { signal } = aim.controller
    try {
      const obtained = await this.#obtain(aim)
      // It was given up while it was verified.
      if (signal.aborted) return
      aim.over = true
      const { why, rollout } = aim.goal
      await this.#use({ ...obtained, version: obtained.version.as(why, rollout) })
    } catch (failure) {
      if (signal.aborted) return
      this.#refused(failure)
      throw failure
    }
  }

  #obtain({ goal, controller }: Aim): Promise<Obtained> {
    const { settings, registry, keeper, tell } = this.#deps
    return obtain(
      {
        settings,
        registry,
        keptEnvelope: (target) => keptEnvelope(keeper, target),
        onDownload: async ({ number }, { files }, bytes) => {
          tell({ type: 'downloading', number, bytes })
          await keeper.savePending(files)
        },
      },
      goal.target,
      goal.why,
      controller.signal,
    )
  }

  async #use(obtained: Obtained): Promise<void> {
    const { version } = obtained
    const from = this.#current?.number
    this.#switches++
    this.#current = version
    this.#deps.tell({ type: 'switched', from, to: version.number, why: version.why })
    this.#deps.onSwitch(version)
    await this.#deps.keeper.saveCurrent(obtained)
  }

  #refused(failure: unknown): void {
    const { code, message } = ParleyError.from(failure)
    this.#deps.tell({ type: 'refused', code, reason: message })
  }
}

export function withdrawn(number: number): ParleyError {
  return new ParleyError('version.withdrawn', `version ${number} was withdrawn`)
}

/** A target without a root is met by any version of its number. */
function isSame(a: Target, b: Target): boolean {
  const roots = a.root === undefined || b.root === undefined || a.root === b.root
  return a.model === b.model && a.number === b.number && roots
}

function keptEnvelope({ known }: Keeper, { number, root }: Target): Uint8Array | undefined {
  return [known.current, known.previous].find((one) => one?.number === number && (root ?? one.root) === one.root)
    ?.envelope
}
