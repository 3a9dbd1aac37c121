import { memoryLedger, type PrivacyLedger } from '../../client/index.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { emptyLedger, epsilonOf, type Ledger } from '../../core/privacy/index.ts'

/** What the rows of a simulation's clients have cost, at the client where it is most. */
export type SimulatedRecords = {
  readonly client: string
  readonly epsilon: number
  readonly delta: number
  readonly accountant: 'rdp' | 'pld'
}

/** One ledger of its rows for every virtual client. */
export class RecordLedgers {
  readonly #ledgers = new Map<string, PrivacyLedger>()
  readonly #delta: number | undefined

  constructor({ privacy: { records } }: Plan) {
    this.#delta = records?.delta
  }

  /** That of one client, for its options; nothing where the plan hides no rows. In every round ε is told by moments, which takes no time. */
  of(client: string): { readonly recordLedger?: PrivacyLedger } {
    if (this.#delta === undefined) return {}
    const recordLedger = memoryLedger({ epsilon: Number.MAX_VALUE, delta: this.#delta, accountant: 'rdp' })
    this.#ledgers.set(client, recordLedger)
    return { recordLedger }
  }

  /** As tightly as the accountants can; undefined where nobody has paid anything. */
  async most(): Promise<SimulatedRecords | undefined> {
    const delta = this.#delta
    if (delta === undefined) return undefined
    let [most, ledger, name]: [number, Ledger, string] = [0, emptyLedger, '']
    const known = new Map<string, number>()
    for (const [client, own] of this.#ledgers) {
      const read = await own.read()
      const key = canonicalJson(read.entries.map(({ spend, keys }) => [JSON.stringify(spend), keys.length]))
      const epsilon = known.get(key) ?? epsilonOf(read, delta, 'rdp').epsilon
      known.set(key, epsilon)
      if (epsilon > most) [most, ledger, name] = [epsilon, read, client]
    }
    if (name === '') return undefined
    const { epsilon, accountant } = epsilonOf(ledger, delta)
    return { client: name, epsilon, delta, accountant }
  }
}
