/**
 * Where honest clients leave the updates of a round for attackers whose threat model shows them. Those who go away leave
 * word of it, so that nobody waits for them.
 */
export class UpdateBoard {
  readonly #rounds = new Map<number, Map<string, Float32Array | undefined>>()
  readonly #waiting: (() => void)[] = []

  /** `update` is undefined where the client has none this round. */
  post(round: number, client: string, update: Float32Array | undefined): void {
    const posted = this.#rounds.get(round) ?? new Map()
    this.#rounds.set(round, posted)
    if (!posted.has(client)) posted.set(client, update)
    for (const old of this.#rounds.keys()) if (old < round - 1) this.#rounds.delete(old)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The updates of these clients, in their order, once each of them has left one or word. */
  async all(round: number, clients: readonly string[]): Promise<readonly Float32Array[]> {
    for (;;) {
      const posted = this.#rounds.get(round)
      if (posted !== undefined && clients.every((client) => posted.has(client))) {
        return clients.flatMap((client) => posted.get(client) ?? [])
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }
}
