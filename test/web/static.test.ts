/** How the coordinator serves the dashboard: its own files, and nothing else. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { failure, raw, running } from '../server/http-fixtures.ts'

let parent: string
let dashboard: string
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'parley-page-'))
  dashboard = join(parent, 'web')
  await mkdir(join(dashboard, 'assets'), { recursive: true })
  await writeFile(join(parent, 'secret.js'), 'secret')
  await writeFile(join(dashboard, 'index.html'), '<!DOCTYPE html><title>page</title>')
  await writeFile(join(dashboard, 'assets', 'main-12345678.js'), 'main()')
  await writeFile(join(dashboard, 'assets', 'notes.txt'), 'secret')
  await symlink(join(parent, 'absent.js'), join(parent, 'link.js'))
})
afterAll(() => rm(parent, { recursive: true, force: true }))

describe('the dashboard', () => {
  it('is a page that runs nothing inline, loads from nowhere else, and is framed by nobody', async () => {
    const { get } = await running({ dashboard })
    const answer = await get('/')
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe('<!DOCTYPE html><title>page</title>')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    })
    const again = await get('/', { 'if-none-match': answer.headers.get('etag') ?? '' })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })

  it('has files with digests in their names, which may be kept for ever', async () => {
    const { get } = await running({ dashboard })
    const packed = await get('/assets/main-12345678.js')
    expect(await packed.text()).toBe('main()')
    expect(Object.fromEntries(packed.headers)).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'gzip',
      'x-content-type-options': 'nosniff',
    })
    const plain = await get('/assets/main-12345678.js', { 'accept-encoding': 'identity' })
    expect([await plain.text(), plain.headers.get('content-encoding')]).toEqual(['main()', null])
  })

  const others = [
    '/assets/..%2f..%2fsecret.js',
    '/assets/..%2findex.html',
    '/assets/%2e%2e%2f%2e%2e%2fsecret.js',
    '/assets/../../secret.js',
    '/../secret.js',
    '/assets/..%5c..%5csecret.js',
    '/assets/notes.txt',
    '/assets/',
    '/assets/__proto__',
    '/index.html',
  ]
  test.each(others)('gives nothing for %s', async (path) => {
    const { url } = await running({ dashboard })
    // As it stands here: an HTTP client would tidy it up.
    const answer = await raw(url, `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 404 /)
    expect(answer).not.toContain('secret')
    expect(answer).toContain('object.not-found')
  })

  it('says plainly that it was not built, and the API is there all the same', async () => {
    const { get } = await running({ dashboard: join(parent, 'nowhere') })
    const answer = await get('/')
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await answer.text()).toContain('The dashboard was not built here: `npm run build` makes it')
    expect((await failure(await get('/assets/main-12345678.js'))).code).toBe('object.not-found')
    expect((await get('/v1/openapi.json')).status).toBe(200)
  })

  it('opens nothing of the API', async () => {
    const { get } = await running({ dashboard })
    expect((await failure(await get('/v1/runs'))).code).toBe('auth.failed')
    const health = await get('/healthz')
    expect(health.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })
})
