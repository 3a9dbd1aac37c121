import { setImmediate } from 'node:timers/promises'
import type { Exports } from './wasm.ts'
import { run, type Work } from './work.ts'

/** What a job may hold the calling thread for at a stretch; steps take a millisecond or so. */
const SLICE_MS = 3

/** Jobs on the calling thread: one after the other, in slices between which everything else gets its turn. */
export class InlineQueue {
  readonly kernels: Exports
  #last: Promise<void> = Promise.resolve()

  constructor(kernels: Exports) {
    this.kernels = kernels
  }

  /** The whole job, now. */
  atOnce(work: Work): void {
    const steps = run(this.kernels, work, 0)
    while (steps.next().done !== true);
  }

  async run(work: Work): Promise<void> {
    const turn = this.#last.then(async () => await this.#slices(work))
    this.#last = turn.catch(() => undefined)
    await turn
  }

  async #slices(work: Work): Promise<void> {
    const steps = run(this.kernels, work, 0)
    for (;;) {
      const until = performance.now() + SLICE_MS
      do {
        if (steps.next().done === true) return
      } while (performance.now() < until)
      await setImmediate()
    }
  }

  /** Resolves when all jobs so far have ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
