import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nodeEcdsa } from '../core/attestation/node.ts'
import type { FolderEntry, FolderReader } from '../core/attestation/ports.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import { ParleyError } from '../core/errors/index.ts'
import { ENVELOPE_BYTES, parseEnvelope } from '../core/release/envelope-json.ts'
import { versionFiles } from '../core/release/manifest.ts'
import { parseManifest, type Verification, verifyVersion } from '../core/release/verify.ts'
import type { RemoteCoordinator } from './http-client.ts'

export type Reference = { readonly model: string; readonly number: number }

/** Whether a folder looks like a downloaded version. */
export function holdsVersion(folder: string): boolean {
  return existsSync(join(folder, versionFiles.envelope))
}

export function versionPath({ model, number }: Reference): string {
  return `/v1/models/${model}/versions/${number}`
}

/** Downloads a version's files. Each appears under its name only when it is complete. */
export async function downloadVersion(
  coordinator: RemoteCoordinator,
  reference: Reference,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const path = versionPath(reference)
  await save(await coordinator.request('GET', path), join(folder, versionFiles.manifest), ENVELOPE_BYTES)
  const envelopePath = join(folder, versionFiles.envelope)
  await save(await coordinator.request('GET', `${path}/envelope`), envelopePath, ENVELOPE_BYTES)
  const [envelope] = parseEnvelope(await readFile(envelopePath))
  // Names that a schema has seen: none of them leads out of the folder.
  const { files } = manifestOf(envelope?.payload)
  for (const file of files) {
    const target = join(folder, file.path)
    await mkdir(dirname(target), { recursive: true })
    await save(await coordinator.request('GET', `${path}/files/${file.path}`), target, file.bytes)
  }
}

function manifestOf(payload: Uint8Array | undefined) {
  try {
    return parseManifest(payload ?? new Uint8Array(0))
  } catch (cause) {
    throw new ParleyError('verify.failed', 'the version has no manifest that could be read', { cause })
  }
}

/** Nothing is verified yet: whoever answers may send without end. */
async function save(response: Response, path: string, maxBytes: number): Promise<void> {
  const file = await open(`${path}.part`, 'w')
  let length = 0
  try {
    for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      length += bytes.length
      if (length > maxBytes)
        throw new ParleyError('verify.failed', `${path} is longer than the ${maxBytes} bytes that it may have`)
      await file.write(bytes)
    }
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
}

/** Verifies the version in a folder against a pinned key, and against what was asked for. */
export async function verifyFolder(folder: string, publicKey: Uint8Array, expected?: Reference): Promise<Verification> {
  return verifyVersion({
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    publicKey,
    envelope: await read(join(folder, versionFiles.envelope)),
    folder: new DiskFolder(folder),
    ...(expected === undefined ? {} : { expected }),
  })
}

/** A folder on disk. Links are told as what they are, and never followed. */
class DiskFolder implements FolderReader {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async *list(skip: (path: string) => boolean, below = ''): AsyncGenerator<FolderEntry> {
    for (const entry of await readdir(join(this.#folder, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (skip(path)) continue
      if (entry.isDirectory()) {
        yield { path, kind: 'directory' }
        yield* this.list(skip, path)
      } else yield { path, kind: entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'symlink' : 'other' }
    }
  }

  open(path: string): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.#folder, path), { highWaterMark: 1 << 20 })
  }
}

async function read(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new ParleyError('verify.failed', `${path} cannot be read`, { cause })
  })
}
