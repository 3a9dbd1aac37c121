/** The gRPC status names a catalogue entry may map to (google.rpc.Code). */
export type GrpcStatus =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'FAILED_PRECONDITION'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'DEADLINE_EXCEEDED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'INTERNAL'

/**
 * One line of the error catalogue. A code, once released, keeps its meaning.
 *
 * - `exit`: 1 defect, 2 invalid input, 3 not allowed, 4 the state says no, 5 try again, 6 verification failed.
 * - `close`: WebSocket close code (RFC 6455 section 7.4; 4000-4999 are ours) when the failure ends a session.
 */
export type CatalogueEntry = {
  readonly meaning: string
  readonly hint: string
  readonly retryable: boolean
  readonly http: number
  readonly grpc: GrpcStatus
  readonly close?: number
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6
}

type Common = Pick<CatalogueEntry, 'retryable' | 'http' | 'grpc' | 'exit'>

const kinds = {
  invalid: { retryable: false, http: 400, grpc: 'INVALID_ARGUMENT', exit: 2 },
  refused: { retryable: false, http: 422, grpc: 'INVALID_ARGUMENT', exit: 4 },
  absent: { retryable: false, http: 404, grpc: 'NOT_FOUND', exit: 4 },
  conflict: { retryable: false, http: 409, grpc: 'ABORTED', exit: 4 },
  precondition: { retryable: false, http: 412, grpc: 'FAILED_PRECONDITION', exit: 4 },
  unauthenticated: { retryable: false, http: 401, grpc: 'UNAUTHENTICATED', exit: 3 },
  forbidden: { retryable: false, http: 403, grpc: 'PERMISSION_DENIED', exit: 3 },
  timeout: { retryable: true, http: 408, grpc: 'DEADLINE_EXCEEDED', exit: 5 },
  exhausted: { retryable: true, http: 429, grpc: 'RESOURCE_EXHAUSTED', exit: 5 },
  oversized: { retryable: false, http: 413, grpc: 'RESOURCE_EXHAUSTED', exit: 1 },
  unavailable: { retryable: true, http: 503, grpc: 'UNAVAILABLE', exit: 5 },
  unverified: { retryable: false, http: 500, grpc: 'DATA_LOSS', exit: 6 },
  defect: { retryable: false, http: 500, grpc: 'INTERNAL', exit: 1 },
} as const satisfies Record<string, Common>

/** Builds an entry from the kind of failure; `overrides` changes single fields, for instance the close code. */
export function entry(
  kind: keyof typeof kinds,
  meaning: string,
  hint: string,
  overrides: Partial<Omit<CatalogueEntry, 'meaning' | 'hint'>> = {},
): CatalogueEntry {
  return { meaning, hint, ...kinds[kind], ...overrides }
}
