import { type ErrorCode, ParleyError } from '../../../core/errors/index.ts'

/** A failure of the file system or of SQLite as one of the catalogue; `what` says what was being done. */
export function storeFailure(thrown: unknown, what: string): ParleyError {
  if (thrown instanceof ParleyError) return thrown
  const code = systemCode(thrown)
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new ParleyError(codeOf(code), `${what}: ${message}`, { cause: thrown })
}

/** Does what may fail in SQLite; `what` says what was being done. */
export function attempting<Result>(what: string, work: () => Result): Result {
  try {
    return work()
  } catch (failure) {
    throw storeFailure(failure, what)
  }
}

/** `ENOENT`, `SQLITE_BUSY` …; empty for everything else. */
export function systemCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
}

function codeOf(code: string): ErrorCode {
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' || code === 'SQLITE_FULL') return 'store.full'
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return 'store.corrupt'
  if (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED') return 'store.locked'
  return 'store.failed'
}
