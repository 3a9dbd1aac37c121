import { SESSION_MOST_MS } from '../members/sessions.ts'

/** Browsers take it only over TLS, for this very host and for all of its paths. */
export const SECURE_COOKIE = '__Host-parley'
/** On the loopback interface without TLS. */
export const LOOPBACK_COOKIE = 'parley-session'

/** The cookie of a session (RFC 6265): no script reads it, and no other site's page makes a browser send it. */
export class SessionCookie {
  readonly #name: string
  readonly #attributes: string

  constructor(secure: boolean) {
    this.#name = secure ? SECURE_COOKIE : LOOPBACK_COOKIE
    this.#attributes = `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  }

  /** What a request has; undefined where it is there twice, which no browser of ours sends. */
  read(header: string | undefined): string | undefined {
    const values = (header ?? '').split(';').flatMap((pair) => {
      const at = pair.indexOf('=')
      return at > 0 && pair.slice(0, at).trim() === this.#name ? [pair.slice(at + 1).trim()] : []
    })
    return values.length === 1 ? values[0] : undefined
  }

  set(value: string): string {
    return `${this.#name}=${value}; Max-Age=${SESSION_MOST_MS / 1_000}; ${this.#attributes}`
  }

  clear(): string {
    return `${this.#name}=; Max-Age=0; ${this.#attributes}`
  }
}
