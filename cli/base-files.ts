import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { nodeCrypto } from '../core/crypto/node.ts'
import { ParleyError } from '../core/errors/index.ts'
import type { ModelFile } from '../core/export/exported.ts'
import { type Base, type BaseFiles, baseOf, filesBeside } from '../core/import/base-model.ts'
import type { Start } from '../core/plan/start.ts'

/** Bytes of one file: those of 2²⁹ parameters, which is more than a node builds. */
const MOST_BYTES = 2 ** 31 - 1

/**
 * A model in files: safetensors, or a `model.json` of TF.js layers with the weight files that it names, which lie beside
 * it. Fails with `config.invalid` where one cannot be read, with `tensors.malformed` where it names others than files beside it.
 */
export async function readBaseFiles(path: string): Promise<BaseFiles> {
  const first = await readFile(path)
  const rest: ModelFile[] = []
  for (const name of filesBeside(first)) rest.push(await readFile(join(dirname(path), name)))
  return [first, ...rest]
}

/** The files that a coordinator is given for plans that start from one, by the names by which plans call them. */
export function baseFilesOf(paths: readonly string[]): (start: Start) => Promise<Base | undefined> {
  const known = new Map<string, string>()
  for (const path of paths) {
    const name = basename(path)
    if (known.has(name)) throw new ParleyError('config.invalid', `--base: two files are called ${name}`)
    known.set(name, path)
  }
  return async (start) => {
    const path = 'file' in start ? known.get(start.file) : undefined
    return path === undefined ? undefined : baseOf(nodeCrypto, await readBaseFiles(path))
  }
}

async function readFile(path: string): Promise<ModelFile> {
  const unreadable = (why: string, cause?: unknown) =>
    new ParleyError('config.invalid', `${path} cannot be read: ${why}`, { cause })
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(cause instanceof Error ? cause.message : '', cause)
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw unreadable('it is not a file')
    if (stat.size > MOST_BYTES) throw unreadable(`it has more than ${MOST_BYTES} bytes`)
    return { name: basename(path), bytes: await file.readFile() }
  } finally {
    await file.close()
  }
}
