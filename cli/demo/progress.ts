import type { RunView } from '../../core/run/view.ts'
import type { Output } from '../output.ts'
import { progressLine, roundLine } from '../run-text.ts'

/** Shows a run as it goes: a line for each closed round, and on a terminal a line that is rewritten in between. */
export class Progress {
  readonly #output: Output
  readonly #live: boolean
  #rounds = 0

  constructor(output: Output) {
    this.#output = output
    this.#live = !output.json && process.stdout.isTTY === true
  }

  show(view: RunView): void {
    this.#clear()
    for (const round of view.history.slice(this.#rounds)) {
      const { pooled, accepted, cohort, bytes } = round
      const event = {
        event: 'round',
        round: round.round,
        of: view.rounds,
        accepted: accepted.length,
        cohort: cohort.length,
        bytes,
      }
      this.#output.event({ ...event, ...pooled }, roundLine(round, view.rounds))
    }
    this.#rounds = view.history.length
    if (this.#live && view.phase !== 'over')
      process.stdout.write(progressLine(view).slice(0, (process.stdout.columns ?? 80) - 1))
  }

  #clear(): void {
    if (this.#live) process.stdout.write('\r\u001b[2K')
  }
}
