import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { folderCache } from '../../consumer/index.ts'
import { openWith } from '../../consumer/open.ts'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import type { EcdsaVerifier } from '../../core/attestation/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { type FakeRegistry, sendFile } from './fake-registry.ts'
import { expectUnmixed, finally_, Happened, scene, versions } from './support.ts'
import { makeVersion, pin, type Version } from './versions.ts'

const WEIGHTS = '/versions/4/files/model/model.safetensors'
const large = await makeVersion(4, { size: 200_000 })
const weights = large.files.get('model/model.safetensors')!

/** A registry whose `production` is a version with weights of 800 kB, and a consumer of the version before. */
async function consuming(change: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const made = await scene([large])
  const folder = await mkdtemp(join(tmpdir(), 'parley-consumer-'))
  finally_(() => rm(folder, { recursive: true, force: true }))
  const followed = await made.opening('heart', { follow: 'none', cache: folderCache(folder) })
  await made.registry.move('production', 4)
  made.registry.intercept = (request, response) => request.url?.endsWith(WEIGHTS) === true && change(request, response)
  return { ...made, followed, folder }
}

const ranges = (registry: FakeRegistry) =>
  registry.requests.filter(({ url }) => url?.endsWith(WEIGHTS)).map(({ headers }) => headers.range)

/** Sends the beginning and breaks the connection; the client has those bytes. */
function breakOff(response: ServerResponse, bytes: Uint8Array, headers: object = {}): boolean {
  response.writeHead('content-range' in headers ? 206 : 200, { 'content-length': bytes.length, ...headers })
  response.write(bytes.subarray(0, 100_000), () => setImmediate(() => response.destroy()))
  return true
}

describe('a connection that breaks', () => {
  it('is gone on with where it broke, at once after some time', async () => {
    let left = 7
    const { followed, registry, clock } = await consuming((request, response) => {
      if (left-- === 0) return false
      const from = Number(/\d+/.exec(request.headers.range ?? '0')![0])
      return breakOff(response, weights.subarray(from), from === 0 ? {} : partial(from))
    })
    const refreshed = followed.refresh()
    // Each attempt brought some bytes, so each wait is the first.
    for (let i = 0; i < 7; i++) await clock.pass(500)
    expectUnmixed(await refreshed)
    const starts = ranges(registry).map((range) => Number(/\d+/.exec(range ?? '0')![0]))
    expect(starts.length).toBe(8)
    expect(starts[0]).toBe(0)
    for (let i = 1; i < 8; i++) expect(starts[i]).toBeGreaterThan(starts[i - 1]!)
    expect(registry.requests.at(-1)!.headers['if-range'] ?? '').toMatch(/^("[0-9a-f]{64}")?$/)
  })

  it('is gone on with after a restart of the consumer', async () => {
    const { followed, registry, folder, opening, clock } = await consuming((_, response) => breakOff(response, weights))
    const refreshed = expect(followed.refresh()).rejects.toMatchObject({ code: 'session.unreachable' })
    await clock.timer(500)
    // No more bytes come, and after five attempts it is given up.
    registry.intercept = (request, response) =>
      request.url?.endsWith(WEIGHTS) === true && response.destroy() !== undefined
    for (const ms of [500, 1_000, 2_000, 4_000]) await clock.pass(ms)
    await refreshed
    await followed.close()
    expect(followed.current.number).toBe(1)
    registry.intercept = () => false
    expectUnmixed((await opening('heart', { follow: 'none', cache: folderCache(folder) })).current)
    expect(ranges(registry).at(-1)).toMatch(/^bytes=[1-9]\d+-$/)
    expect(await readdir(join(folder, 'parts'))).toEqual([])
  })

  it('is begun anew where the registry gives no parts', async () => {
    let first = true
    const { followed, clock } = await consuming((_, response) => {
      if (first) {
        first = false
        return breakOff(response, weights)
      }
      response.writeHead(200, { 'content-length': weights.length }).end(weights)
      return true
    })
    const refreshed = followed.refresh()
    await clock.pass(500)
    expectUnmixed(await refreshed)
  })

  it('is begun anew where what was there before turns out to be spoilt', async () => {
    const { followed, folder } = await consuming(() => false)
    const { sha256 } = large.manifest.files.find(({ path }) => path === 'model/model.safetensors')!
    await writeFile(join(folder, 'parts', sha256), new Uint8Array(1_000).fill(7))
    expectUnmixed(await followed.refresh())
  })
})

const partial = (from: number) => ({ 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` })

describe('what is not the file', () => {
  const flipped = weights.map((byte, i) => (i === 500_000 ? byte ^ 1 : byte))
  it.each<[string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['a flipped byte', 'verify.failed', (_, response) => void response.writeHead(200).end(flipped)],
    [
      'a byte too many',
      'verify.failed',
      (_, response) => void response.writeHead(200).end(Buffer.concat([weights, Buffer.of(0)])),
    ],
    [
      'another length',
      'verify.failed',
      (_, response) => void response.writeHead(200, { 'content-length': 9 }).end('too short'),
    ],
    [
      'no end',
      'verify.failed',
      (_, response) => {
        response.writeHead(200)
        const more = () => {
          while (!response.destroyed && response.write(weights));
        }
        response.on('drain', more)
        more()
      },
    ],
    [
      'a part that was not asked for',
      'verify.failed',
      (_, response) => void response.writeHead(206, partial(1)).end(weights.subarray(1)),
    ],
    ['nothing that changed', 'verify.failed', (_, response) => void response.writeHead(304).end()],
    ['a page', 'verify.failed', (_, response) => void response.writeHead(200, { 'content-length': 6 }).end('<html>')],
    ['a failure', 'session.unreachable', (_, response) => void response.writeHead(503).end()],
    ['that it is not there', 'object.not-found', (_, response) => void response.writeHead(404).end()],
    ['that it is forbidden', 'request.invalid', (_, response) => void response.writeHead(403).end()],
  ])('%s leaves the old version in use, with %s, and nothing of it in the cache', async (_what, code, answer) => {
    const { followed, registry, folder, clock } = await consuming((request, response) => {
      answer(request, response)
      return true
    })
    const refreshed = expect(followed.refresh()).rejects.toMatchObject({ code })
    if (code === 'session.unreachable') for (const ms of [500, 1_000, 2_000, 4_000]) await clock.pass(ms)
    await refreshed
    expect(followed.current.number).toBe(1)
    const { sha256 } = large.manifest.files.find(({ path }) => path === 'model/model.safetensors')!
    expect(await readdir(join(folder, 'files'))).not.toContain(sha256)
    if (code === 'verify.failed') expect(await readdir(join(folder, 'parts'))).toEqual([])
    registry.intercept = () => false
    expectUnmixed(await followed.refresh())
  })

  it('a part of another file is refused when a download is gone on with', async () => {
    let first = true
    const { followed, clock } = await consuming((_, response) => {
      if (!first) response.writeHead(206, { 'content-range': `bytes 5-9/${weights.length}` }).end('wrong')
      else {
        first = false
        breakOff(response, weights)
      }
      return true
    })
    const refreshed = expect(followed.refresh()).rejects.toMatchObject({ code: 'verify.failed' })
    await clock.pass(500)
    await refreshed
  })

  it('a flipped byte in any file of a version is refused', async () => {
    for (const [path, bytes] of versions[1].files) {
      const { opening, registry } = await scene()
      await registry.move('production', 2)
      registry.intercept = (request, response) => {
        if (!request.url?.endsWith(`/files/${path}`)) return false
        sendFile(
          bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)),
          request,
          response,
        )
        return true
      }
      await expect(opening()).rejects.toMatchObject({ code: 'verify.failed', message: expect.stringContaining(path) })
    }
  })
})

describe('while a version is downloaded', () => {
  /** A consumer that is in the middle of version 4. */
  async function halfway() {
    const made = await scene([large])
    const followed = await made.opening()
    await made.registry.until(() => made.registry.streams.size > 0)
    made.registry.intercept = (request, response) => {
      if (!request.url?.endsWith(WEIGHTS)) return false
      response.writeHead(200, { 'content-length': weights.length }).write(weights.subarray(0, 1_000))
      return true
    }
    await made.registry.move('production', 4)
    await made.registry.until(() => ranges(made.registry).length > 0)
    return { ...made, followed }
  }

  it('the alias moves on: the download is broken off', async () => {
    const { registry, happened, followed } = await halfway()
    const download = registry.requests.find(({ url }) => url?.endsWith(WEIGHTS))!
    await registry.move('production', 2)
    await happened.has('switched', { from: 1, to: 2 })
    expect(followed.current.number).toBe(2)
    await registry.until(() => download.destroyed)
    expect(happened.of('refused')).toEqual([])
  })

  it('the alias moves back: what was in use stays in use', async () => {
    const { registry, happened, followed } = await halfway()
    const { current } = followed
    await registry.move('production', 1)
    await happened.has('following', { sequence: 3 })
    expect(await followed.refresh()).toBe(current)
    expect(happened.of('switched').length).toBe(1)
  })

  it('and verified, the alias moves back: it never comes into use', async () => {
    const { registry, clock } = await scene()
    const happened = new Happened()
    let asked = () => {}
    let open = () => {}
    const verifying = new Promise<void>((resolve) => {
      asked = resolve
    })
    let gate: Promise<void> = Promise.resolve()
    const ecdsa: EcdsaVerifier = {
      ...nodeEcdsa,
      async verify(input) {
        if (happened.of('switched').length > 0) asked()
        await gate
        return nodeEcdsa.verify(input)
      },
    }
    const options = { url: registry.url, key: pin, clock, random: () => 0, onEvent: happened.add }
    const followed = await openWith({ crypto: nodeCrypto, ecdsa }, 'heart', options)
    finally_(() => followed.close())
    await registry.until(() => registry.streams.size > 0)
    gate = new Promise((resolve) => {
      open = resolve
    })
    await registry.move('production', 2)
    await verifying
    await registry.move('production', 1)
    await happened.has('following', { sequence: 3 })
    open()
    await followed.refresh()
    await followed.close()
    expect(happened.of('switched').map(({ to }) => to)).toEqual([1])
  })

  it('it is withdrawn: it never comes into use', async () => {
    const { registry, followed, happened } = await halfway()
    registry.withdraw(4)
    await registry.until(() => registry.requests.find(({ url }) => url?.endsWith(WEIGHTS))!.destroyed)
    registry.intercept = () => false
    await expect(followed.refresh()).rejects.toMatchObject({ code: 'version.withdrawn' })
    expect(followed.current.number).toBe(1)
    expect(happened.of('switched').length).toBe(1)
  })

  it('nothing more comes: after a while it is asked for again', async () => {
    const { registry, clock, happened, followed } = await halfway()
    await clock.timer(30_000)
    registry.intercept = () => false
    clock.advance(30_000)
    await clock.pass(500)
    await happened.has('switched', { from: 1, to: 4 })
    expectUnmixed(followed.current)
    expect(ranges(registry).length).toBe(2)
  })
})

it('a failed version is tried again by itself, with growing waits, until it is right', async () => {
  const { opening, registry, clock, happened } = await scene()
  const followed = await opening()
  await registry.until(() => registry.streams.size > 0)
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith('/versions/2/files/model/config.json')) return false
    response.writeHead(200).end('{"number":3}')
    return true
  }
  await registry.move('production', 2)
  for (const ms of [500, 1_000, 2_000]) await clock.pass(ms)
  await clock.timer(4_000)
  expect(followed.current.number).toBe(1)
  registry.intercept = () => false
  clock.advance(4_000)
  await happened.has('switched', { from: 1, to: 2 })
  expectUnmixed(followed.current)
})

describe('a manifest that is signed, and wrong', () => {
  const wrong: readonly (readonly [string, RegExp, Promise<Version>])[] = [
    [
      'names a path outside',
      /part "\.\."/,
      makeVersion(5, { change: (m) => ({ ...m, files: [file('../secret'), ...m.files] }) }),
    ],
    [
      'names a path that goes up and down',
      /part "\.\."/,
      makeVersion(5, { change: (m) => ({ ...m, files: [...m.files, file('model/../../admin')].sort(byPath) }) }),
    ],
    [
      'names an absolute path',
      /files/,
      makeVersion(5, { change: (m) => ({ ...m, files: [file('/etc/passwd'), ...m.files] }) }),
    ],
    ['names a query', /files/, makeVersion(5, { change: (m) => ({ ...m, files: [...m.files, file('z?a=b')] }) })],
    ['names a file twice', /files/, makeVersion(5, { change: (m) => ({ ...m, files: [m.files[0]!, ...m.files] }) })],
    [
      'names two that differ in case only',
      /case/,
      makeVersion(5, { change: (m) => ({ ...m, files: [...m.files, file('model/CONFIG.json')].sort(byPath) }) }),
    ],
    [
      'is too large',
      /allowed/,
      makeVersion(5, { change: (m) => ({ ...m, files: [...m.files, { ...file('z'), bytes: 2 ** 40 }] }) }),
    ],
    [
      'leaves out a file of the model',
      /model/,
      makeVersion(5, { change: (m) => ({ ...m, files: m.files.filter(({ path }) => !path.includes('plots')) }) }),
    ],
    ['has no gates', /gates/, makeVersion(5, { change: (m) => ({ ...m, gates: [] }) })],
    [
      'has a failed gate',
      /gates/,
      makeVersion(5, { change: (m) => ({ ...m, gates: m.gates.map((gate) => ({ ...gate, verdict: 'fail' })) }) }),
    ],
    ['has a member that is not known', /manifest/, makeVersion(5, { change: (m) => ({ ...m, more: 1 }) })],
    ['is of another number', /version 6/, makeVersion(5, { change: (m) => ({ ...m, number: 6 }) })],
    ['is of another model', /lung/, makeVersion(5, { change: (m) => ({ ...m, model: 'lung' }) })],
  ]
  const file = (path: string) => ({ path, sha256: 'e'.repeat(64), bytes: 1 })
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)

  it.each(wrong)('%s: it is refused', async (_what, reason, made) => {
    const version = await made
    const { opening, registry } = await scene()
    registry.versions.set(5, version)
    await registry.move('production', 5)
    await expect(opening()).rejects.toMatchObject({
      code: 'verify.failed',
      message: expect.stringMatching(reason),
    })
    expect(registry.asked.some((path) => /secret|admin|passwd|CONFIG/.test(path))).toBe(false)
  })

  it('a version beyond the limit of the consumer is refused before a byte of it is asked for', async () => {
    const { opening, registry } = await scene([large])
    await registry.move('production', 4)
    await expect(opening('heart', { maxBytes: 100_000 })).rejects.toMatchObject({ code: 'verify.failed' })
    expect(registry.asked.some((path) => path.includes('/files/'))).toBe(false)
  })
})
