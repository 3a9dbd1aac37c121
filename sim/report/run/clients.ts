import type { ClientRobustness, RobustnessMark, Suspect } from '../../../core/run/robustness.ts'
import type { SimulatedRound, SimulationResult } from '../../results.ts'
import { median } from '../reduce/statistics.ts'

/** What one client did, and what became of it, in all rounds together. */
export type ClientTotals = {
  readonly client: string
  readonly attacker: boolean
  readonly suspect: boolean
  /** Rounds in which it was asked, and in which its update was taken. */
  readonly asked: number
  readonly accepted: number
  readonly refused: number
  /** Means over the rounds that took its update: weight or kept share, norm by the round's median norm, cosine. */
  readonly share: number | null
  readonly norm: number | null
  readonly cosine: number | null
  readonly leftOut: number
  readonly marks: { readonly [mark in RobustnessMark]?: number }
}

/** Whether the rule weighs whole updates, or keeps of each coordinate what it will. */
export type ShareKind = 'weight' | 'kept'

/** Undefined where neither is known: a stage before the rule has mixed the updates. */
export function shareKind(rounds: readonly SimulatedRound[]): ShareKind | undefined {
  const known = (kind: ShareKind) =>
    rounds.some(({ robustness }) => robustness?.clients.some((one) => one[kind] !== null))
  return (['weight', 'kept'] as const).find(known)
}

/** How many times the median of its round a length is; null where that is not known. */
export function relative(length: number, middle: number | null): number | null {
  return middle === null || middle === 0 || !Number.isFinite(length) ? null : length / middle
}

export function medianNorm(clients: readonly ClientRobustness[]): number | null {
  return median(clients.map(({ norm }) => norm))
}

/** Every client that was asked, attacked or was suspected, in the order of ids. */
export function clientTotals(result: SimulationResult): ClientTotals[] {
  const kind = shareKind(result.rounds)
  const tallies = new Map<string, Tally>()
  const tallyOf = (client: string): Tally => {
    const known = tallies.get(client)
    if (known !== undefined) return known
    const made = new Tally()
    tallies.set(client, made)
    return made
  }
  for (const client of result.attackers) tallyOf(client)
  for (const { client } of result.suspects) tallyOf(client)
  for (const { cohort, accepted, refused, robustness } of result.rounds) {
    for (const client of cohort) tallyOf(client).asked++
    for (const client of accepted) tallyOf(client).accepted++
    for (const { client } of refused) tallyOf(client).refused++
    const clients = robustness?.clients ?? []
    const middle = medianNorm(clients)
    for (const one of clients) tallyOf(one.client).add(one, kind, middle)
  }
  const attackers = new Set(result.attackers)
  const suspects = new Set(result.suspects.map(({ client }: Suspect) => client))
  return [...tallies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([client, tally]) => tally.totals(client, attackers.has(client), suspects.has(client)))
}

class Tally {
  asked = 0
  accepted = 0
  refused = 0
  readonly #share = new Mean()
  readonly #norm = new Mean()
  readonly #cosine = new Mean()
  #leftOut = 0
  readonly #marks: { [mark in RobustnessMark]?: number } = {}

  add(one: ClientRobustness, kind: ShareKind | undefined, middle: number | null): void {
    this.#share.add(kind === undefined ? null : one[kind])
    this.#norm.add(relative(one.norm, middle))
    this.#cosine.add(one.cosine)
    if (one.leftOut !== undefined || one.marks.includes('left-out')) this.#leftOut++
    for (const mark of one.marks) this.#marks[mark] = (this.#marks[mark] ?? 0) + 1
  }

  totals(client: string, attacker: boolean, suspect: boolean): ClientTotals {
    return {
      client,
      attacker,
      suspect,
      asked: this.asked,
      accepted: this.accepted,
      refused: this.refused,
      share: this.#share.value,
      norm: this.#norm.value,
      cosine: this.#cosine.value,
      leftOut: this.#leftOut,
      marks: this.#marks,
    }
  }
}

class Mean {
  #sum = 0
  #n = 0

  add(value: number | null): void {
    if (value === null || !Number.isFinite(value)) return
    this.#sum += value
    this.#n++
  }

  get value(): number | null {
    return this.#n === 0 ? null : this.#sum / this.#n
  }
}
