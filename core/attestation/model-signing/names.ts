/** Names of resources in OpenSSF Model Signing v1.0: paths relative to the model's folder, compared byte by byte. */

/** Compares by code point, which is the order of the names' UTF-8 bytes; strings compare by UTF-16 code units. */
export function compareCodePoints(a: string, b: string): number {
  return compared(a, b, (code) => (code >= 0xe000 ? code - 0x800 : code >= 0xd800 ? code + 0x2000 : code))
}

/**
 * Compares part by part of the path, as Python's `PurePosixPath` does, by which the reference implementation
 * (sigstore/model-transparency, `manifest.py`) sorts: `a/b` comes before `a.b` here, and after it by code point.
 */
export function compareByParts(a: string, b: string): number {
  const separator = (code: number) => (code === 0x2f ? -1 : code)
  return compared(a, b, (code) => (code >= 0xe000 ? code - 0x800 : code >= 0xd800 ? code + 0x2000 : separator(code)))
}

function compared(a: string, b: string, rank: (code: number) => number): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Why a path is not relative, normal and Unicode; undefined when it is. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'it is empty'
  if (!path.isWellFormed() || path.includes('\0')) return 'it is not Unicode text'
  if (path.length > 4_096) return 'it is longer than 4096 characters'
  const part = path.split('/').find((one) => one === '' || one === '.' || one === '..')
  if (part === undefined) return undefined
  return part === '' ? 'it begins, ends or is doubled with a slash' : `it has a part ${JSON.stringify(part)}`
}

/** Names of Parley's own versions: what every file system, shell and link takes as it is. */
const portable = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/

export function isPortable(path: string): boolean {
  return portable.test(path)
}

/** A range of a file: from `start` to before `end`, in bytes. */
export type Shard = { readonly path: string; readonly start: number; readonly end: number }

/** The shard of a name `path:start:end`, split at its last two colons; undefined when it is none. */
export function shardOf(name: string): Shard | undefined {
  const last = name.lastIndexOf(':')
  const middle = name.lastIndexOf(':', last - 1)
  if (middle < 1 || last < 1) return undefined
  const [start, end] = [offset(name.slice(middle + 1, last)), offset(name.slice(last + 1))]
  return start !== undefined && end !== undefined && start < end
    ? { path: name.slice(0, middle), start, end }
    : undefined
}

function offset(digits: string): number | undefined {
  return /^(?:0|[1-9]\d{0,15})$/.test(digits) && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined
}

/**
 * Two paths that are one on a file system that does not tell case or Unicode normal forms apart, be it only in a folder of
 * theirs; undefined when there are none.
 */
export function caseTwins(paths: Iterable<string>): readonly [string, string] | undefined {
  const seen = new Map<string, string>()
  for (const path of paths) {
    for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
      const own = end < 0 ? path : path.slice(0, end)
      const folded = own.normalize('NFC').toLowerCase().normalize('NFC')
      const other = seen.get(folded)
      if (other !== undefined && other !== own) return [other, own]
      seen.set(folded, own)
      if (end < 0) break
    }
  }
  return undefined
}
