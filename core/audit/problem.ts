import { ParleyError } from '../errors/index.ts'

/** A line of a file, without its newline. `line` counts from 1. */
export type FileLine = { readonly file: string; readonly line: number; readonly text: string }

export type AuditProblemKind =
  /** Not a line of a log, or not a checkpoint of the form and signature that it should have. */
  | 'malformed'
  /** Records are missing before this one. */
  | 'gap'
  /** The record was there before: repeated, or out of its place. */
  | 'order'
  /** The record is not the one that its leaf was made of. */
  | 'edited'
  /** The head does not follow from what came before it. */
  | 'chain'
  /** A checkpoint says another head, or is of another log: there are two histories. */
  | 'fork'
  /** The log ends before a record that a checkpoint speaks of. */
  | 'truncated'

/** The first thing that is wrong. `seq`: the record that should have stood there. */
export type AuditProblem = {
  readonly kind: AuditProblemKind
  readonly seq: number
  readonly file: string
  readonly line: number
  readonly message: string
}

/** What ends a verification: `audit.corrupt` with its place. */
export class AuditFault extends ParleyError {
  readonly problem: AuditProblem

  constructor(problem: AuditProblem) {
    const { kind, file, line, seq, message } = problem
    const details = { problem: kind, file, line, seq }
    super('audit.corrupt', `${file}, line ${line}, record ${seq}: ${message}`, { details })
    this.problem = problem
  }
}
