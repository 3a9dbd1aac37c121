import type { ClientChannel } from './desk.ts'

/** Which clients have a session now, and the way to each. The newest session of a client counts. */
export class Presence {
  readonly #channels = new Map<string, ClientChannel>()
  readonly #changed: () => void

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** The returned function ends it; ending a session that was replaced changes nothing. */
  enter(client: string, channel: ClientChannel): () => void {
    this.#channels.set(client, channel)
    this.#changed()
    return () => {
      if (this.#channels.get(client) !== channel) return
      this.#channels.delete(client)
      this.#changed()
    }
  }

  has(client: string): boolean {
    return this.#channels.has(client)
  }

  channel(client: string): ClientChannel | undefined {
    return this.#channels.get(client)
  }

  /** In id order. */
  clients(): string[] {
    return [...this.#channels.keys()].sort()
  }
}
