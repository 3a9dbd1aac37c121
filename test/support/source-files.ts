import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'

export const root = resolve(import.meta.dirname, '../..')

export type Source = {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
}

/** All TypeScript files of these folders that are there, generated ones aside. */
export function sourcesOf(...folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    names(folder)
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .filter((path) => /\.tsx?$/.test(path) && !path.includes('/generated/'))
      .sort()
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  )
}

function names(folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw failure
  }
}

export type Import = {
  readonly from: string
  /** A path from the root for files of the repository; as it stands there for packages and `node:`. */
  readonly to: string
}

/** Every import and re-export of a file, types and `import()` included. */
export function importsOf({ path, text }: Source): Import[] {
  const found = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
  return found.map((name) => ({
    from: path,
    to: name.startsWith('.') ? join(path, '..', name).replaceAll('\\', '/') : name,
  }))
}
