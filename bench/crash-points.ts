import { nodeCrypto } from '../core/crypto/node.ts'
import { type RunEvent, type RunState, type Store, step } from '../server/index.ts'

type Journal = Store['journal']

/** A place in a round at which the coordinator dies: before or after the journal takes the nth event of a kind. */
export type CrashPoint = {
  readonly round: number
  readonly event: RunEvent['type']
  readonly nth: number
  readonly when: 'before' | 'after'
}

/** The events of a round of two clients, in the order of the phases they belong to. */
const events: readonly (readonly [RunEvent['type'], number])[] = [
  ['clients-available', 1],
  ['update-accepted', 1],
  ['update-accepted', 2],
  ['aggregated', 1],
  ['evaluated', 1],
  ['evaluated', 2],
]

/** One point in each round, `before` and `after` every event in turn; the last round dies around its publication. */
export function crashPoints(rounds: number): CrashPoint[] {
  return Array.from({ length: rounds }, (_, index) => {
    const round = index + 1
    if (round === rounds) return { round, event: 'published', nth: 1, when: 'before' }
    const [event, nth] = events[index % events.length] ?? ['aggregated', 1]
    return { round, event, nth, when: Math.floor(index / events.length) % 2 === 0 ? 'after' : 'before' }
  })
}

/** A journal that tells of each entry, and ends the process at the point with the signal that nobody can catch. */
export function crashingJournal(journal: Journal, point: CrashPoint | undefined, tell: () => void): Journal {
  let state: RunState | undefined
  let seen: RunEvent['type'][] = []

  const take = (entry: string) => {
    const event = JSON.parse(entry) as RunEvent
    const before = state?.round
    ;[state] = step(nodeCrypto, state, event)
    seen = state?.round === before ? [...seen, event.type] : []
  }

  return {
    async read(run) {
      const entries = await journal.read(run)
      entries.forEach(take)
      return entries
    },
    async append(run, sequence, entry) {
      const { type } = JSON.parse(entry) as RunEvent
      const nth = seen.filter((one) => one === type).length + 1
      const reached = point !== undefined && state?.round === point.round && type === point.event && nth === point.nth
      if (reached && point.when === 'before') die()
      await journal.append(run, sequence, entry)
      take(entry)
      tell()
      if (reached) die()
    },
  }
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
