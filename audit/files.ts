import { createReadStream } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { AUDIT_LINE_BYTES } from '../core/audit/line.ts'
import { AuditFault, type FileLine } from '../core/audit/problem.ts'
import { fromUtf8 } from '../core/encoding/bytes.ts'

/** What the log asks of the operating system to write; tests pass one that fails. */
export type AuditFiles = Pick<typeof promises, 'open' | 'mkdir' | 'rename'>

export const nodeFiles: AuditFiles = promises

export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700
export const CHECKPOINTS = 'checkpoints.jsonl'

const NEWLINE = 10

/** A file of the log, and the number of the first record that belongs into it. */
export type LogFile = { readonly name: string; readonly first: number }

export function logFileName(first: number): string {
  return `audit-${first}.jsonl`
}

/** The files of a log in their order; none where there is no folder. */
export async function logFiles(folder: string): Promise<LogFile[]> {
  const names = await promises.readdir(folder).catch((failure: unknown) => {
    if (systemCode(failure) === 'ENOENT') return []
    throw failure
  })
  return logFilesAmong(names)
}

/** The files of a log among these names, in their order. */
export function logFilesAmong(names: Iterable<string>): LogFile[] {
  const found: LogFile[] = []
  for (const name of names) {
    const [, number] = /^audit-(0|[1-9]\d{0,14})\.jsonl$/.exec(name) ?? []
    if (number !== undefined) found.push({ name, first: Number(number) })
  }
  return found.sort((a, b) => a.first - b.first)
}

/** Where a file stops in the middle of a line: a write was cut, or is under way. */
export type Torn = { readonly file: string; readonly bytes: Uint8Array; readonly size: number }

/** A line of the log, and the number of its record. */
export type LogLine = FileLine & { readonly seq: number }

/** Where the bytes of a file come from. */
export type OpenFile = (name: string) => AsyncIterable<Uint8Array>

/**
 * Every whole line of a log in a folder, over all its files; with `from` those before the file that record is in are left out.
 * `torn` is told of a last line without its end. Throws `AuditFault`.
 */
export async function* logLines(
  folder: string,
  torn: (found: Torn) => void = () => {},
  from = 0,
): AsyncGenerator<LogLine> {
  const all = await logFiles(folder)
  const files = all.filter((_, index) => (all[index + 1]?.first ?? Number.POSITIVE_INFINITY) > from)
  yield* linesOfLog(files, diskFiles(folder), torn, from === 0 ? 0 : (files[0]?.first ?? 0))
}

/** The same out of files that lie anywhere: all from the one with record `seq` on, in their order. */
export async function* linesOfLog(
  files: readonly LogFile[],
  open: OpenFile,
  torn: (found: Torn) => void = () => {},
  seq = 0,
): AsyncGenerator<LogLine> {
  let next = seq
  for (const [index, { name, first }] of files.entries()) {
    if (first !== next) {
      const kind = first > next ? 'gap' : 'order'
      const message = `the file begins with record ${first}, and the lines before it end with record ${next - 1}`
      throw new AuditFault({ kind, seq: next, file: name, line: 1, message })
    }
    const cut = (found: Torn) => {
      if (index === files.length - 1) return torn(found)
      throw faultAt(name, next - first + 1, next, 'the last line of the file has no end')
    }
    for await (const line of fileLines(open, name, first, cut)) yield { ...line, seq: next++ }
  }
}

/** Every whole line of the file of checkpoints; none where there is no file. */
export async function* checkpointLines(
  folder: string,
  torn: (found: Torn) => void = () => {},
): AsyncGenerator<FileLine> {
  try {
    yield* fileLines(diskFiles(folder), CHECKPOINTS, 0, torn)
  } catch (failure) {
    if (systemCode(failure) !== 'ENOENT') throw failure
  }
}

function diskFiles(folder: string): OpenFile {
  return (name) => createReadStream(join(folder, name), { highWaterMark: 1024 * 1024 })
}

/** The whole lines of a file, of which the first is record `first` of its log. Throws `AuditFault`. */
export async function* fileLines(
  open: OpenFile,
  file: string,
  first: number,
  torn: (found: Torn) => void,
): AsyncGenerator<FileLine> {
  let rest: Buffer = Buffer.alloc(0)
  let line = 0
  let size = 0
  for await (const piece of open(file)) {
    size += piece.length
    const bytes =
      rest.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.length) : Buffer.concat([rest, piece])
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const seq = first + line
      line++
      if (end - from > AUDIT_LINE_BYTES) throw faultAt(file, line, seq, TOO_LONG)
      yield { file, line, text: textOf(bytes.subarray(from, end), file, line, seq) }
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > AUDIT_LINE_BYTES) throw faultAt(file, line + 1, first + line, TOO_LONG)
  }
  if (rest.length > 0) torn({ file, bytes: rest, size })
}

const TOO_LONG = `a line has more than ${AUDIT_LINE_BYTES} bytes`

function textOf(bytes: Uint8Array, file: string, line: number, seq: number): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw faultAt(file, line, seq, 'the line is not UTF-8')
  }
}

function faultAt(file: string, line: number, seq: number, message: string): AuditFault {
  return new AuditFault({ kind: 'malformed', seq, file, line, message })
}

/** Makes the entries of a folder durable. */
export async function syncFolder(files: AuditFiles, folder: string): Promise<void> {
  const handle = await files.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** `ENOENT`, `ENOSPC` …; empty for everything else. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
}
