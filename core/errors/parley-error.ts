import { catalogue, type ErrorCode, isErrorCode } from './catalogue/index.ts'
import type { CatalogueEntry } from './entry.ts'

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>

/** How an error looks on a wire, in a log or in `--json` output. */
export type ErrorDescription = {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly details?: ErrorDetails
}

/**
 * The one error class of the project: a stable code from the catalogue, a message for this case, the catalogue's hint
 * on what to do next, and the cause. Messages and details never hold secrets, tensors or rows of data.
 */
export class ParleyError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails | undefined

  constructor(code: ErrorCode, message?: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message ?? catalogue[code].meaning, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ParleyError'
    this.code = code
    this.details = options.details
  }

  get entry(): CatalogueEntry {
    return catalogue[this.code]
  }

  describe(): ErrorDescription {
    const { hint, retryable } = this.entry
    const details = this.details
    return { code: this.code, message: this.message, hint, retryable, ...(details === undefined ? {} : { details }) }
  }

  /** Any thrown value as a ParleyError: itself, or `fallback` (by default `internal`) with the value as its cause. */
  static from(thrown: unknown, fallback: ErrorCode = 'internal'): ParleyError {
    if (thrown instanceof ParleyError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new ParleyError(fallback, message, { cause: thrown })
  }

  /** An error that the other end reported. An unknown code becomes `session.closed`: a newer peer may know more. */
  static fromPeer(code: string, message: string, details: ErrorDetails = {}): ParleyError {
    return isErrorCode(code)
      ? new ParleyError(code, message, { details })
      : new ParleyError('session.closed', `${code}: ${message}`, { details })
  }
}
