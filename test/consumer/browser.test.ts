/** The consumer in a real browser; skipped where Debian's `chromium` is not installed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { verifyReport } from '../../server/registry/outcome-reports.ts'
import { FakeRegistry, sendFile } from './fake-registry.ts'
import { makeVersion, pin } from './versions.ts'

const CHROMIUM = '/usr/bin/chromium'
const present = existsSync(CHROMIUM)
const skipped = present ? '' : ' (skipped: it is not installed)'
const root = new URL('../../', import.meta.url)

const PAGE = `<!DOCTYPE html><script type="importmap">${JSON.stringify({
  imports: {
    zod: '/node_modules/zod/index.js',
    '@noble/hashes/': '/node_modules/@noble/hashes/',
    '@noble/ciphers/': '/node_modules/@noble/ciphers/',
    tweetnacl: '/tweetnacl.js',
  },
})}</script><script type="module" src="/test/consumer/browser-page.ts"></script>`
/** What is written for CommonJS makes a global of itself here. */
const TWEETNACL = `import '/node_modules/tweetnacl/nacl-fast.js'\nexport default self.nacl\n`

/** The sources of the house and the packages that they name, as modules for a browser. */
function module(path: string): string | undefined {
  if (path === '/tweetnacl.js') return TWEETNACL
  if (!/^\/(core|consumer|test\/consumer|node_modules\/(zod|@noble|tweetnacl))\/[\w./@-]+\.[jt]s$/.test(path))
    return undefined
  if (path.includes('..')) return undefined
  const source = readFileSync(new URL(`.${path}`, root), 'utf8')
  if (path.endsWith('.js')) return source
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
  }
  return ts.transpileModule(source, { compilerOptions }).outputText
}

describe.skipIf(!present)(`in ${CHROMIUM}${skipped}`, { timeout: 120_000 }, () => {
  let results: Record<string, unknown> = {}
  let registry: FakeRegistry
  let profile: string
  let browser: ChildProcess
  let roots: readonly string[]

  beforeAll(async () => {
    const versions = await Promise.all([1, 2].map((number) => makeVersion(number)))
    roots = versions.map(({ manifest }) => manifest.root)
    registry = new FakeRegistry(() => Date.now(), versions)
    const posted = new Promise<string>((resolve) => {
      registry.intercept = (request, response) => answer(request, response, resolve)
    })
    const url = await registry.start()
    await registry.move('production', 1)
    await registry.move('elsewhere', 1)
    await registry.move('flipped', 2)
    const rollout = { id: 'roll_1', number: 1, root: roots[0]!, share: 0, include: ['ward'], exclude: [] }
    await registry.move('split', 1, { rollout })
    profile = await mkdtemp(join(tmpdir(), 'parley-browser-'))
    browser = spawn(CHROMIUM, [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`],
      `${url}/?key=${pin}`,
    ])
    results = JSON.parse(await posted)
  }, 120_000)

  afterAll(async () => {
    const ended = new Promise((resolve) => browser.once('exit', resolve))
    browser.kill()
    await ended
    await registry.stop()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  })

  const reports: Uint8Array[] = []
  let altered = true
  function answer(request: IncomingMessage, response: ServerResponse, posted: (text: string) => void): boolean {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const page = pathname === '/' ? PAGE : module(pathname)
    if (page !== undefined) {
      response.writeHead(200, { 'content-type': pathname === '/' ? 'text/html' : 'text/javascript' }).end(page)
      return true
    }
    if (pathname === '/result') {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => posted(Buffer.concat(pieces).toString()))
      response.end()
      return true
    }
    if (pathname.endsWith('/outcomes')) {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        reports.push(Uint8Array.from(Buffer.concat(pieces)))
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"sequence":1,"repeated":false}')
      })
      return true
    }
    if (pathname === '/move') {
      altered = false
      void registry.move('production', 2).then(() => response.end())
      return true
    }
    if (pathname.endsWith('/aliases/elsewhere/record')) {
      response.writeHead(302, { location: '/v1/models/heart/aliases/production/record' }).end()
      return true
    }
    if (altered && pathname.endsWith('/versions/2/files/model/model.safetensors')) {
      const file = registry.versions.get(2)!.files.get('model/model.safetensors')!
      sendFile(
        file.map((byte, i) => (i === file.length - 1 ? byte ^ 1 : byte)),
        request,
        response,
      )
      return true
    }
    return false
  }

  const version = (number: number, reason: string) => ({
    number,
    why: reason,
    root: roots[number - 1],
    weights: [
      ['bias', [number]],
      ['kernel', [number]],
    ],
  })

  it('a version is verified in the page, and its weights are there', () => {
    expect(results.opened).toEqual(version(1, 'pinned'))
  })

  it('it is refused after one flipped byte', () => {
    expect(results.flipped).toBe('verify.failed')
  })

  it('a redirection is not followed', () => {
    expect(results.elsewhere).toBe('verify.failed')
  })

  it('it is refused under another key', () => {
    expect(results.stranger).toBe('verify.failed')
  })

  it('CacheStorage keeps it for when there is no network', () => {
    expect(results.kept).toEqual({ files: 9, offline: version(1, 'pinned'), documents: ['heart@v1'] })
  })

  it('what the page counted is reported, signed with its key', async () => {
    expect(results.reported).toEqual({ rollout: { id: 'roll_1', side: 'challenger' }, events: ['reported'] })
    const { publicKey } = nodeCrypto.signingKey(new Uint8Array(32).fill(7))
    const { report } = await verifyReport(nodeCrypto, reports[0]!, () => publicKey)
    expect(report).toMatchObject({ consumer: 'ward', versions: [{ number: 1, requests: 2, errors: 1 }] })
    expect(reports).toHaveLength(1)
  })

  it('a move is pushed to the page', () => {
    expect(results.followed).toEqual([2, 2])
  })
})
