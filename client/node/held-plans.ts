import type { Clock } from '../../core/clock.ts'
import type { PolicyRequest, TaskPolicy } from './policy.ts'

/** How often it is looked whether somebody has decided. */
const LOOK_MS = 2_000
/** Runs whose plans are watched; a coordinator that starts more is asked again when it offers a task again. */
const MOST_RUNS = 100

/** Plans that wait for a person at this client: tells when somebody has decided about one of them, or the policy has changed. */
export class HeldPlans {
  readonly #clock: Pick<Clock, 'after'>
  readonly #policy: TaskPolicy
  readonly #decided: () => void
  readonly #requests = new Map<string, PolicyRequest>()
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(clock: Pick<Clock, 'after'>, policy: TaskPolicy, decided: () => void) {
    this.#clock = clock
    this.#policy = policy
    this.#decided = decided
  }

  add(request: PolicyRequest): void {
    if (this.#policy.holds === undefined || this.#stopped) return
    this.#requests.delete(request.task.run)
    this.#requests.set(request.task.run, request)
    const [oldest] = this.#requests.keys()
    if (this.#requests.size > MOST_RUNS && oldest !== undefined) this.#requests.delete(oldest)
    this.#cancel ??= this.#clock.after(LOOK_MS, () => void this.#look())
  }

  /** A task of this run is offered again: what is known of it is over. */
  forget(run: string): void {
    this.#requests.delete(run)
  }

  stop(): void {
    this.#stopped = true
    this.#requests.clear()
    this.#cancel?.()
  }

  async #look(): Promise<void> {
    for (const [run, request] of this.#requests) {
      // What cannot be read allows nothing, and nobody has decided anything by it.
      const held = (await this.#policy.holds?.(request).catch(() => true)) ?? true
      if (held || this.#requests.get(run) !== request) continue
      this.#requests.clear()
      this.#cancel = undefined
      this.#decided()
      return
    }
    this.#cancel = this.#requests.size === 0 ? undefined : this.#clock.after(LOOK_MS, () => void this.#look())
  }
}
