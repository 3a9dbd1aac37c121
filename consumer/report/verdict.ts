import type { ParleyError } from '../../core/errors/index.ts'
import type { Waiting } from './book.ts'

/** What becomes of a report that was not taken. */
export type Verdict =
  /** It may be taken later, as it is. */
  | { readonly do: 'wait' }
  /** It was certainly not counted, and has another number: the registry's next one. */
  | { readonly do: 'renumber'; readonly last: LastTaken }
  /** It is of no use any more, or may have been counted. */
  | { readonly do: 'drop'; readonly last?: LastTaken }

/** The last report that the registry has: its number, and when it ended, in milliseconds since the epoch. */
export type LastTaken = { readonly sequence: number; readonly to: number }

const DAY_MS = 86_400_000

/** Counting too little is better than counting twice: what may have been taken is not sent again under another number. */
export function afterRefusal(
  { report, uncertain }: Pick<Waiting, 'report' | 'uncertain'>,
  failure: ParleyError,
): Verdict {
  switch (failure.code) {
    case 'outcomes.no-rollout':
    case 'outcomes.other-side':
    case 'outcomes.invalid':
      return { do: 'drop' }
    case 'outcomes.gap':
    case 'outcomes.replayed': {
      const { next, to } = failure.details ?? {}
      if (typeof next !== 'number' || !Number.isSafeInteger(next) || next < 1) return { do: 'drop' }
      const ended = typeof to === 'string' ? Date.parse(to) : 0
      // A time that is far ahead is none that a report of this consumer may have ended at.
      const last = { sequence: next - 1, to: ended <= Date.parse(report.to) + DAY_MS ? ended : 0 }
      // The one that stands under its number is another report; the one before the registry's next may be this one.
      const later = next > report.sequence + 1
      return uncertain && later ? { do: 'drop', last } : { do: 'renumber', last }
    }
    default:
      return { do: 'wait' }
  }
}
