import type { FastifyInstance, FastifyReply } from 'fastify'

/** Where pages of other origins may read: published models, and nothing else. */
const READABLE = '/v1/models/'
/** Where they may send: reports, which let nobody in but by their signature. */
const REPORTS = /^\/v1\/models\/[^/?]+\/outcomes$/

/** The route by which browsers ask whether they may. */
export const PREFLIGHT = `OPTIONS ${READABLE}*`

/**
 * Lets pages of these origins read published models and report of them (Fetch standard, CORS protocol). Without credentials, and only what
 * everybody may read anyway; of any other origin the answers say nothing of it, so that browsers keep them to themselves.
 */
export function crossOriginReading(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  app.addHook('onRequest', async ({ url, method, headers }, reply) => {
    if (!url.startsWith(READABLE)) return
    void reply.header('vary', 'Origin')
    const { origin } = headers
    const reads = method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
    if (origin === undefined || !allowed.has(origin) || !(reads || (method === 'POST' && REPORTS.test(url)))) return
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'ETag, Content-Range, Content-Length, Accept-Ranges',
      'cross-origin-resource-policy': 'cross-origin',
    })
  })
  app.options(`${READABLE}*`, async ({ url }, reply: FastifyReply) =>
    reply
      .code(204)
      .headers({
        ...(REPORTS.test(url)
          ? { 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'Content-Type' }
          : {
              'access-control-allow-methods': 'GET, HEAD',
              'access-control-allow-headers': 'If-None-Match, If-Range, Range, Last-Event-ID',
            }),
        'access-control-max-age': '600',
      })
      .send(),
  )
}
