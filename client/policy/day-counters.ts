import { z } from 'zod'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { readIfThere, replaceDurably } from './durable-file.ts'

const schema = z.strictObject({
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  /** Rounds that were begun to train, `run/round`. */
  rounds: z.array(z.string().min(1).max(300)).max(1_000_000),
  bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})

type Today = z.output<typeof schema>

const MOST_BYTES = 256 * 1024 * 1024

/** What a client has done on a day, in a file that is written before it is done. One of another day counts for nothing. */
export class DayCounters {
  readonly #path: string
  #queue: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** Throws `config.invalid` where the file is damaged: whoever goes on with an empty one forgets what was done. */
  async today(day: string): Promise<Today> {
    const bytes = await readIfThere(this.#path, MOST_BYTES)
    const none = { day, rounds: [], bytes: 0 }
    if (bytes === undefined) return none
    const parsed = schema.safeParse(this.#json(bytes))
    if (!parsed.success) throw this.#damaged(parsed.error)
    return parsed.data.day === day ? parsed.data : none
  }

  /** Counts a round, once however often it is begun. */
  begin(day: string, round: string): Promise<void> {
    return this.#change(day, (today) =>
      today.rounds.includes(round) ? today : { ...today, rounds: [...today.rounds, round] },
    )
  }

  send(day: string, bytes: number): Promise<void> {
    return this.#change(day, (today) => ({ ...today, bytes: today.bytes + bytes }))
  }

  #change(day: string, change: (today: Today) => Today): Promise<void> {
    const changed = this.#queue.then(async () => {
      const before = await this.today(day)
      const after = change(before)
      if (after !== before) await replaceDurably(this.#path, `${JSON.stringify(after)}\n`)
    })
    this.#queue = changed.catch(() => {})
    return changed
  }

  #json(bytes: Uint8Array): unknown {
    try {
      return JSON.parse(fromUtf8(bytes))
    } catch (cause) {
      throw this.#damaged(cause)
    }
  }

  #damaged(cause: unknown): ParleyError {
    return new ParleyError('config.invalid', `${this.#path} is damaged`, { cause })
  }
}
