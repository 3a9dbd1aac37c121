import { ParleyError } from '../../core/errors/index.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { Session, type SessionDeps } from './session.ts'

export type SessionsObserver = {
  readonly sessionOpened: (client: string, carrier: string, remote: string) => void
  readonly sessionClosed: (client: string, carrier: string, error: ParleyError | undefined) => void
  readonly sessionRefused: (carrier: string, remote: string, error: ParleyError) => void
}

export type SessionsDeps = {
  readonly session: SessionDeps
  readonly observer: SessionsObserver
  /** Why nobody gets a session now; undefined when they do. */
  readonly closed: () => ParleyError | undefined
  /** A client has proved its key. */
  readonly seen: (client: string) => Promise<void>
}

/** A client that has had a session. `agent`: what its program called itself; nobody vouches for it. */
export type SeenClient = { readonly client: string; readonly agent: string; readonly connected: boolean }

/** The sessions that are open: one for each client, the newest. */
export class Sessions {
  readonly #deps: SessionsDeps
  readonly #open = new Map<string, Session>()
  /** What the program of each client called itself last. */
  readonly #agents = new Map<string, string>()

  constructor(deps: SessionsDeps) {
    this.#deps = deps
  }

  /** Serves a connection to its end; never rejects. */
  async serve(connection: Connection): Promise<void> {
    const { observer, session: deps, closed, seen } = this.#deps
    const { carrier, remote } = connection
    let session: Session
    try {
      const reason = closed()
      if (reason !== undefined) throw reason
      session = await Session.open(deps, connection)
    } catch (failure) {
      const error = ParleyError.from(failure)
      connection.close(error.code)
      return observer.sessionRefused(carrier, remote, error)
    }
    this.#open.get(session.client)?.end(new ParleyError('session.replaced'))
    this.#open.set(session.client, session)
    this.#agents.set(session.client, session.agent)
    observer.sessionOpened(session.client, carrier, remote)
    await seen(session.client)
    const error = await session.serve()
    if (this.#open.get(session.client) === session) this.#open.delete(session.client)
    observer.sessionClosed(session.client, carrier, error)
  }

  /** The clients that have had a session since the start, and whether they have one now. */
  seen(): readonly SeenClient[] {
    return [...this.#agents].map(([client, agent]) => ({ client, agent, connected: this.#open.has(client) }))
  }

  end(client: string, reason: ParleyError): void {
    this.#open.get(client)?.end(reason)
  }

  endAll(reason: ParleyError, retryAfterMs: number): void {
    for (const session of this.#open.values()) session.end(reason, retryAfterMs)
  }
}
