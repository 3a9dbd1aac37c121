/** What is not signed: the marks of version control at the top of the folder, and the signature itself. */
export const ALWAYS_IGNORED = ['.git', '.gitattributes', '.github', '.gitignore'] as const

/** The signature's usual name. */
export const SIGNATURE_FILE = 'model.sig'

/** The `ignore_paths` of Parley's own versions, sorted by code point. */
export const OWN_IGNORE_PATHS: readonly string[] = [...ALWAYS_IGNORED, SIGNATURE_FILE]

/** Whether a path is one of these, or below one. They are exact paths, never patterns; case matters. */
export function ignoring(paths: Iterable<string>): (path: string) => boolean {
  const ignored = new Set(paths)
  return (path) => {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      if (ignored.has(path.slice(0, end))) return true
    }
    return ignored.has(path)
  }
}
