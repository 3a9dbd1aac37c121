/** Versions in a folder, for programs on Node. */
import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../core/errors/index.ts'
import type { VersionCache } from './cache/version-cache.ts'
import { entries, readFully, storing, synced, syncFolder, whole } from './node-files.ts'
import { PartInFolder } from './node-part.ts'

const digest = /^[0-9a-f]{64}$/
const documentName = /^[A-Za-z0-9._@-]{1,400}$/
/** The longest name and the end of its line. */
const LABEL_BYTES = 401

/**
 * A cache in a folder, which is made when it is first written to:
 *
 *     documents/<name>.json     what is known of a reference
 *     files/<sha256>            complete files
 *     parts/<sha256>            files while they are downloaded
 *
 * Several programs may share it. Everything is synced under another name before it appears under its own.
 */
export function folderCache(folder: string): VersionCache {
  const documents = join(folder, 'documents')
  const files = join(folder, 'files')
  const parts = join(folder, 'parts')
  let written = 0

  const documentPath = (name: string) => {
    if (!documentName.test(name)) throw new ParleyError('request.invalid', 'this is not a name for a document')
    // A name may be longer than a file name may be once its ending is added, and two may differ in case only.
    return join(documents, `${hashed(name)}.json`)
  }
  const inFolder = (parent: string, sha256: string) => {
    if (!digest.test(sha256)) throw new ParleyError('request.invalid', 'this is not a SHA-256')
    return join(parent, sha256)
  }

  return {
    document: (name, maxBytes) =>
      storing(async () => {
        const bytes = await whole(documentPath(name), ({ size }) => size <= maxBytes + LABEL_BYTES)
        const content = bytes === undefined ? undefined : unlabelled(name, bytes)
        return content === undefined || content.length > maxBytes ? undefined : content
      }),

    writeDocument: (name, bytes) =>
      storing(async () => {
        const path = documentPath(name)
        await mkdir(documents, { recursive: true })
        const temporary = `${path}.${process.pid}.${written++}.new`
        try {
          await synced(temporary, labelled(name, bytes))
          await rename(temporary, path)
        } catch (failure) {
          await rm(temporary, { force: true })
          throw failure
        }
        await syncFolder(documents)
      }),

    documents: () =>
      storing(async () => {
        const names: string[] = []
        for (const entry of await entries(documents)) {
          if (!entry.endsWith('.json')) continue
          const name = await labelOf(join(documents, entry))
          if (name !== undefined) names.push(name)
        }
        return names
      }),

    file: (sha256, length) => storing(() => whole(inFolder(files, sha256), ({ size }) => size === length)),

    has: (sha256, length) =>
      storing(async () => {
        const found = await stat(inFolder(files, sha256)).catch(() => undefined)
        return found?.isFile() === true && found.size === length
      }),

    part: (sha256) =>
      storing(async () => {
        await mkdir(parts, { recursive: true })
        await mkdir(files, { recursive: true })
        const path = inFolder(parts, sha256)
        // Opened for writing at any place, and made when it is not there.
        const handle = await open(path, 'r+').catch(() => open(path, 'w+'))
        return new PartInFolder(handle, path, inFolder(files, sha256), files)
      }),

    files: () =>
      storing(async () => {
        const all = [...(await entries(files)), ...(await entries(parts))]
        return [...new Set(all.filter((name) => digest.test(name)))]
      }),

    remove: (sha256) =>
      storing(async () => {
        await rm(inFolder(files, sha256), { force: true })
        await rm(inFolder(parts, sha256), { force: true })
      }),
  }
}

/** A document's file begins with its name on a line of its own: the file's name is a hash. */
function labelled(name: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${name}\n`), bytes])
}

function unlabelled(name: string, file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
  const label = Buffer.from(`${name}\n`)
  return label.equals(file.subarray(0, label.length)) ? file.slice(label.length) : undefined
}

async function labelOf(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const text = Buffer.from(await readFully(handle, LABEL_BYTES)).toString('latin1')
    const name = text.slice(0, text.indexOf('\n'))
    return documentName.test(name) ? name : undefined
  } finally {
    await handle.close()
  }
}

function hashed(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}
