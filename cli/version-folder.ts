import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeCrypto } from '../core/crypto/node.ts'
import { ParleyError } from '../core/errors/index.ts'
import { type Verification, verifyVersion } from '../core/release/verify.ts'
import type { RemoteCoordinator } from './http-client.ts'

export type Reference = { readonly model: string; readonly number: number }

/** The files of a version in a folder. */
const files = { weights: 'model.safetensors', manifest: 'manifest.json', envelope: 'manifest.dsse.json' } as const

/** Whether a folder looks like a downloaded version. */
export function holdsVersion(folder: string): boolean {
  return existsSync(join(folder, files.envelope))
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
  await save(await coordinator.request('GET', path), join(folder, files.manifest))
  await save(await coordinator.request('GET', `${path}/envelope`), join(folder, files.envelope))
  await save(await coordinator.request('GET', `${path}/weights`), join(folder, files.weights))
}

async function save(response: Response, path: string): Promise<void> {
  const file = await open(`${path}.part`, 'w')
  try {
    for await (const bytes of response.body ?? []) await file.write(bytes as Uint8Array)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
}

/** Verifies the version in a folder against a pinned key, and against what was asked for. */
export function verifyFolder(folder: string, publicKey: Uint8Array, expected?: Reference): Promise<Verification> {
  return Promise.all([read(join(folder, files.envelope)), read(join(folder, files.manifest))]).then(
    ([envelope, manifest]) =>
      verifyVersion({
        crypto: nodeCrypto,
        publicKey,
        envelope,
        manifest,
        weights: createReadStream(join(folder, files.weights)),
        ...(expected === undefined ? {} : { expected }),
      }),
  )
}

async function read(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new ParleyError('verify.failed', `${path} cannot be read`, { cause })
  })
}
