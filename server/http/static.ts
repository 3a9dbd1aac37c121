import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import { namesTag } from './range.ts'

/** What the page may load: its own files, and nothing of anybody else; nobody frames it. */
export const PAGE_POLICY = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Only files of these kinds are served, whatever else lies in the folder. */
const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

type PageFile = {
  readonly bytes: Buffer
  readonly gzip: Buffer
  readonly tag: string
  readonly type: string
}

/** Where `npm run build` puts the dashboard. */
export function builtDashboard(): string {
  const built = import.meta.url.endsWith('.ts') ? '../../dist/web' : '../../web'
  return fileURLToPath(new URL(built, import.meta.url))
}

/**
 * The dashboard at `/`, its files below `/assets/`. All of them are read at the first request and held in memory: a path is a name in
 * a table, and never leads to the disk.
 */
export function dashboardRoutes(app: FastifyInstance, folder = builtDashboard()): void {
  let files: ReadonlyMap<string, PageFile> | undefined
  const fileOf = (name: string): PageFile | undefined => {
    files ??= readPage(folder)
    return files?.get(name)
  }

  app.get('/', async (request, reply) => {
    const page = fileOf('index.html')
    if (page === undefined) {
      return reply.code(404).type('text/plain; charset=utf-8').send(MISSING)
    }
    void reply.headers({ 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' })
    return answer(page, request, reply)
  })

  app.get('/assets/:file', async (request, reply) => {
    const { file } = request.params as { readonly file: string }
    const found = fileOf(`assets/${file}`)
    if (found === undefined) throw new ParleyError('object.not-found', 'the dashboard has no such file')
    // Its name has a digest of what it holds.
    void reply.header('cache-control', 'public, max-age=31536000, immutable')
    return answer(found, request, reply)
  })
}

const MISSING = `The dashboard was not built here: \`npm run build\` makes it, in dist/web.
The API is served all the same; /v1/openapi.json describes it.
`

function answer({ bytes, gzip, tag, type }: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers({ etag: tag, vary: 'Accept-Encoding' })
  if (namesTag(request.headers['if-none-match'], tag)) return reply.code(304).send()
  void reply.type(type)
  const packed = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  return packed ? reply.header('content-encoding', 'gzip').send(gzip) : reply.send(bytes)
}

/** The files of the built page; undefined where there is none. */
function readPage(folder: string): ReadonlyMap<string, PageFile> | undefined {
  try {
    const assets = readdirSync(`${folder}/assets`).map((name) => `assets/${name}`)
    return new Map(['index.html', ...assets].flatMap((name) => fileIn(folder, name)))
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return undefined
    throw failure
  }
}

function fileIn(folder: string, name: string): [string, PageFile][] {
  const type = types[name.slice(name.lastIndexOf('.') + 1)]
  if (type === undefined) return []
  const bytes = readFileSync(`${folder}/${name}`)
  const tag = `"${createHash('sha256').update(bytes).digest('hex')}"`
  return [[name, { bytes, gzip: gzipSync(bytes), tag, type }]]
}
