import type { FolderEntry, FolderReader } from '../core/attestation/ports.ts'
import { webEcdsa } from '../core/attestation/web.ts'
import { portableCrypto } from '../core/crypto/portable.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import type { Manifest } from '../core/release/manifest.ts'
import { type Verification, verifyVersion } from '../core/release/verify.ts'
import { apiPath, Refusal, send } from './api.ts'

export type Asked = {
  readonly model: string
  readonly number: number
  /** Ed25519, 64 hex digits. */
  readonly key: string
}

/**
 * Verifies a version in this browser, file by file, as every other verifier does: the coordinator's word is taken for nothing. Throws
 * `Refusal` where the key is none, or a file cannot be had.
 */
export async function verifyHere({ model, number, key }: Asked): Promise<Verification> {
  const publicKey = fromHex(key.trim().toLowerCase())
  if (publicKey?.length !== 32) {
    throw new Refusal('request.invalid', 'The key is not 64 hex digits.', '`parley identity` shows the key.', 0)
  }
  const base = apiPath('models', model, 'versions', number)
  const envelope = new Uint8Array(await (await send('GET', `${base}/envelope`)).arrayBuffer())
  // What is listed is what the coordinator says; files that it does not list cannot be had here.
  const { files } = (await (await send('GET', base)).json()) as Pick<Manifest, 'files'>
  return verifyVersion({
    crypto: portableCrypto,
    ecdsa: webEcdsa,
    publicKey,
    envelope,
    folder: new ServedFolder(`${base}/files`, files),
    expected: { model, number },
  })
}

class ServedFolder implements FolderReader {
  readonly #base: string
  readonly #files: Manifest['files']

  constructor(base: string, files: Manifest['files']) {
    this.#base = base
    this.#files = files
  }

  *list(skip: (path: string) => boolean): Generator<FolderEntry> {
    for (const { path } of this.#files) if (!skip(path)) yield { path, kind: 'file' }
  }

  async *open(path: string): AsyncGenerator<Uint8Array> {
    const name = path.split('/').map(encodeURIComponent).join('/')
    const { body } = await send('GET', `${this.#base}/${name}`)
    if (body === null) return
    const reader = body.getReader()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        yield value
      }
    } finally {
      await reader.cancel().catch(() => {})
    }
  }
}
