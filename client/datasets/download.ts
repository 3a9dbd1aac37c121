import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'

export type RemoteFile = {
  readonly url: string
  /** SHA-256 in lower-case hexadecimal digits. */
  readonly sha256: string
  /** Length; not a byte more is taken from the network. */
  readonly bytes: number
}

/** The part of `fetch` that is used, so that a test or a proxy can stand in for it. */
export type Fetch = (url: string, init: { signal: AbortSignal }) => Promise<Response>

const TIMEOUT_MS = 60_000

/**
 * Puts a file into place, from the network unless it lies there already with the right digest. It appears whole or not at
 * all. Fails with `data.download-failed` or `data.digest-mismatch`; the message says what to do by hand.
 */
export async function downloadFile(file: RemoteFile, path: string, fetch: Fetch): Promise<'kept' | 'downloaded'> {
  if (await hasDigest(path, file.sha256)) return 'kept'
  const bytes = await fetchBytes(file, path, fetch)
  const digest = sha256(bytes)
  if (digest !== file.sha256) {
    throw new ParleyError(
      'data.digest-mismatch',
      `${file.url} has the SHA-256 ${digest}, expected is ${file.sha256}; nothing was written to ${path}`,
      { details: { url: file.url, expected: file.sha256, found: digest } },
    )
  }
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.${randomUUID()}.partial`
  try {
    await writeFile(partial, bytes, { flush: true })
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw new ParleyError('data.download-failed', `${path} could not be written`, { cause, details: { path } })
  }
  return 'downloaded'
}

async function fetchBytes({ url, bytes }: RemoteFile, path: string, fetch: Fetch): Promise<Uint8Array> {
  const failed = (reason: string, cause?: unknown) =>
    new ParleyError(
      'data.download-failed',
      `${url} could not be downloaded (${reason}); fetch it by hand and save it as ${basename(path)} in ${dirname(path)}`,
      { cause, details: { url, path } },
    )
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!response.ok || response.body === null) throw failed(`HTTP status ${response.status}`)
    const chunks: Uint8Array[] = []
    let length = 0
    // Leaving the loop early, also by an exception, closes the connection.
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > bytes) throw failed(`it is longer than ${bytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof ParleyError) throw error
    throw failed(error instanceof Error ? error.message : String(error), error)
  }
}

async function hasDigest(path: string, digest: string): Promise<boolean> {
  try {
    return sha256(await readFile(path)) === digest
  } catch {
    return false
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
