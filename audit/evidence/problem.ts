import { type ErrorCode, type ErrorDetails, ParleyError } from '../../core/errors/index.ts'

export type EvidenceProblemKind =
  /** The log is not whole; `audit.corrupt`. */
  | 'log'
  /** A version does not verify by itself. */
  | 'version'
  /** The history of an alias is not one chain of signed records. */
  | 'alias'
  /** Something has no record in the log. */
  | 'unrecorded'
  /** A record says another thing than what it is about. */
  | 'differs'
  /** A record speaks of something that should be in the bundle and is not. */
  | 'missing'
  /** A release key that was not given. */
  | 'key'
  /** The bundle itself has not its form. */
  | 'form'

/** One thing that is wrong, and where. */
export type EvidenceProblem = {
  readonly kind: EvidenceProblemKind
  readonly code: Extract<ErrorCode, 'audit.corrupt' | 'verify.failed' | 'evidence.invalid' | 'evidence.mismatch'>
  /** File or folder in the bundle. */
  readonly path: string
  /** The record of the log that it is about. */
  readonly seq?: number
  readonly message: string
}

/** The first problem as an error, with how many there are. */
export function evidenceError(problems: readonly EvidenceProblem[]): ParleyError | undefined {
  const [first] = problems
  if (first === undefined) return undefined
  const { kind, code, path, seq, message } = first
  const details: ErrorDetails = {
    problem: kind,
    path,
    ...(seq === undefined ? {} : { seq }),
    problems: problems.length,
  }
  return new ParleyError(code, `${path}: ${message}`, { details })
}
