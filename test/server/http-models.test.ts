import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { verifyVersion } from '../../core/release/verify.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { BlobStore } from '../../server/store/ports.ts'
import { folderOf } from '../support/release.ts'
import { failure, publish, raw, releaseKey, running } from './http-fixtures.ts'

/** Compared as buffers: vitest takes seconds over each megabyte. */
const isSame = (a: Uint8Array, b: Uint8Array) => expect(Buffer.compare(a, b)).toBe(0)
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())
const path = '/v1/models/heart/versions/1/files/model/model.safetensors'

describe('published models', () => {
  it('are listed with versions and aliases', async () => {
    const { get, store } = await running()
    expect(await (await get('/v1/models')).json()).toEqual({ models: [] })
    await publish(store, 1)
    const { version } = await publish(store, 2)
    const move = {
      model: 'heart',
      alias: 'production',
      sequence: 2,
      version: 2,
      reason: 'round 2',
      at: version.publishedAt,
      actor: 'coordinator',
    }
    expect(await (await get('/v1/models')).json()).toEqual({
      models: [{ model: 'heart', versions: 2, aliases: [move] }],
    })
    const model = (await (await get('/v1/models/heart')).json()) as { versions: object[]; history: object[] }
    expect(model).toMatchObject({ model: 'heart', aliases: [move], history: [{ sequence: 1 }, move] })
    expect(model.versions[1]).toEqual({
      number: 2,
      weights: version.weights,
      run: 'run_1',
      round: 2,
      publishedAt: version.publishedAt,
    })
    expect(await (await get('/v1/models/heart/aliases/production')).json()).toEqual(move)
  })

  it('can be verified by whoever downloads them', async () => {
    const { get, store } = await running()
    const { file, version } = await publish(store, 1)
    const base = '/v1/models/heart/versions/1'
    const files = new Map<string, Uint8Array>()
    for (const name of manifestIn(version.envelope).files) {
      files.set(name.path, await bytesOf(await get(`${base}/files/${name.path}`)))
    }
    isSame(files.get('model/model.safetensors')!, file)
    files.set('manifest.json', await bytesOf(await get(base)))
    const { failed, checks } = await verifyVersion({
      crypto: nodeCrypto,
      ecdsa: nodeEcdsa,
      publicKey: releaseKey.publicKey,
      envelope: await bytesOf(await get(`${base}/envelope`)),
      folder: folderOf(files),
      expected: { model: 'heart', number: 1 },
    })
    expect(checks.filter(({ result }) => result !== 'pass')).toEqual([])
    expect(failed).toBeUndefined()
  })

  it('are said to be absent when they are', async () => {
    const { get, store } = await running()
    await publish(store, 1)
    for (const absent of [
      '/v1/models/lung',
      '/v1/models/lung/versions/1',
      '/v1/models/heart/versions/2',
      '/v1/models/heart/versions/2/files/model/model.safetensors',
      '/v1/models/heart/versions/1/files/model/other',
      '/v1/models/heart/versions/1/files/',
      '/v1/models/heart/versions/2/envelope',
      '/v1/models/heart/aliases/canary',
      '/v1/models/heart/versions',
      '/v2',
    ]) {
      expect(await failure(await get(absent))).toMatchObject({ status: 404, code: 'object.not-found' })
    }
  })

  it('are not found by names that are paths', async () => {
    const { get, url, store } = await running()
    await publish(store, 1)
    for (const hostile of [
      '..%2F..%2Fetc%2Fpasswd',
      '%2e%2e%2f',
      'a%00b',
      'a%0ab',
      '%c3%a4',
      'a%20b',
      '__proto__%5b',
      `${'x'.repeat(100)}y`,
    ]) {
      expect(await failure(await get(`/v1/models/${hostile}`))).toMatchObject({
        code: expect.stringMatching(/^request.invalid|object.not-found$/),
      })
      expect(
        (await get(`/v1/models/heart/versions/${hostile}/files/model/model.safetensors`)).status,
      ).toBeGreaterThanOrEqual(400)
      expect((await get(`/v1/models/heart/aliases/${hostile}`)).status).toBeGreaterThanOrEqual(400)
    }
    for (const number of ['0', '-1', '1.0', '01', '1e0', '9'.repeat(16), 'latest']) {
      expect(await failure(await get(`/v1/models/heart/versions/${number}`))).toMatchObject({ code: 'request.invalid' })
    }
    expect(await raw(url, 'GET /v1/models/../../etc/passwd HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 404 /,
    )
    expect(await raw(url, 'GET /v1/models/%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400 /,
    )
  })
})

describe('the weights of a version', () => {
  const withFile = async (parameters = 800_000) => {
    const server = await running()
    return { ...server, ...(await publish(server.store, 1, parameters)) }
  }

  it('come whole, with their digest as entity tag', async () => {
    const { get, file, version } = await withFile()
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('etag')).toBe(`"${version.weights}"`)
    expect(response.headers.get('content-length')).toBe(String(file.length))
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    isSame(await bytesOf(response), file)
  })

  it('do not come again to who has them', async () => {
    const { get, file, version } = await withFile(8)
    for (const tag of [`"${version.weights}"`, `W/"${version.weights}"`, `"other", "${version.weights}"`, '*']) {
      const response = await get(path, { 'if-none-match': tag })
      expect([tag, response.status, (await bytesOf(response)).length]).toEqual([tag, 304, 0])
    }
    isSame(await bytesOf(await get(path, { 'if-none-match': '"other"' })), file)
  })

  it('come in parts', async () => {
    const { get, file, version } = await withFile()
    const size = file.length
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-1999999', 100, 2_000_000],
      [`bytes=${size - 5}-`, size - 5, size],
      ['bytes=-7', size - 7, size],
      [`bytes=-${size * 2}`, 0, size],
      [`bytes=10-${size * 10}`, 10, size],
      ['bytes=0-', 0, size],
      ['BYTES=1-2', 1, 3],
    ] as const) {
      const response = await get(path, { range })
      expect([range, response.status]).toEqual([range, 206])
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${size}`)
      expect(response.headers.get('content-length')).toBe(String(end - start))
      expect(response.headers.get('etag')).toBe(`"${version.weights}"`)
      isSame(await bytesOf(response), file.slice(start, end))
    }
  })

  it('come whole when the range is of no meaning, of several parts, or for another file', async () => {
    const { get, file, version } = await withFile(8)
    for (const headers of [
      { range: 'bytes=0-1,3-4' },
      { range: 'bytes=5-2' },
      { range: 'bytes=-' },
      { range: 'bytes=a-b' },
      { range: 'bytes 0-1' },
      { range: 'lines=0-1' },
      { range: `bytes=${'9'.repeat(30)}-` },
      { range: 'bytes=0-1', 'if-range': '"other"' },
      { range: 'bytes=0-1', 'if-range': `W/"${version.weights}"` },
      { range: 'bytes=0-1', 'if-range': 'Thu, 01 Jan 2026 00:00:00 GMT' },
    ]) {
      const response = await get(path, headers)
      expect([headers, response.status]).toEqual([headers, 200])
      isSame(await bytesOf(response), file)
    }
    const same = await get(path, { range: 'bytes=0-1', 'if-range': `"${version.weights}"` })
    expect(same.status).toBe(206)
  })

  it('have no part beyond their end', async () => {
    const { get, file } = await withFile(8)
    for (const range of [`bytes=${file.length}-`, 'bytes=1000000-1000001', 'bytes=-0']) {
      const response = await get(path, { range })
      expect(response.headers.get('content-range')).toBe(`bytes */${file.length}`)
      expect(await failure(response)).toMatchObject({ status: 416, code: 'request.range' })
    }
  })

  it('answer HEAD with everything but the bytes, without reading them', async () => {
    const { url, file, version, store } = await withFile()
    Object.assign(store.blobs, {
      read: () => {
        throw new Error('was read')
      },
    })
    const response = await fetch(url + path, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(file.length))
    expect(response.headers.get('etag')).toBe(`"${version.weights}"`)
  })

  it('are read in small pieces, and not ahead of who takes them', async () => {
    const store = memoryStore()
    await publish(store, 1, 8_000_000)
    const lengths: number[] = []
    const blobs: BlobStore = Object.assign(Object.create(store.blobs) as BlobStore, {
      size: (digest: string) => store.blobs.size(digest),
      read: (digest: string, offset: number, length: number) => {
        lengths.push(length)
        return store.blobs.read(digest, offset, length)
      },
    })
    const { url } = await running({ store: { ...store, blobs } })
    const response = await fetch(url + path)
    const reader = response.body?.getReader()
    await reader?.read()
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1024 * 1024)
    expect(lengths.length).toBeLessThan(20)
    await reader?.cancel()
  })

  it('never arrive completely when they were altered on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-http-'))
    const store = await openDurableStore({ folder })
    try {
      const { version } = await publish(store, 1, 800_000)
      const file = join(folder, 'blobs', version.weights.slice(0, 2), version.weights)
      const bytes = await readFile(file)
      bytes[2_000_000] = (bytes[2_000_000] ?? 0) ^ 1
      await writeFile(file, bytes)
      const { get, log } = await running({ store })
      await expect(get(path).then(bytesOf)).rejects.toThrow()
      expect(log()).toContain('store.corrupt')
    } finally {
      await store.close()
      await rm(folder, { recursive: true })
    }
  })

  it('are an error when they are gone', async () => {
    const { get, store, version } = await withFile(8)
    await store.blobs.remove(version.weights)
    expect(await failure(await get(path))).toMatchObject({ status: 500, code: 'store.corrupt' })
  })
})
