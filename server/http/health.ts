import type { FastifyInstance } from 'fastify'
import { toHex } from '../../core/encoding/bytes.ts'
import type { HttpDeps } from './options.ts'

/** What supervisors and collectors of metrics ask. */
export function healthRoutes(app: FastifyInstance, { api, metrics, publicKey }: HttpDeps): void {
  app.get('/v1/key', async () => ({ publicKey: toHex(publicKey) }))

  app.get('/healthz', async () => ({ alive: true }))

  app.get('/readyz', async (_request, reply) => {
    const ready = api.ready()
    return reply.code(ready ? 200 : 503).send({ ready })
  })

  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))
}
