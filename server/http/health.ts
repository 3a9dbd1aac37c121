import type { FastifyInstance } from 'fastify'
import type { HttpDeps } from './options.ts'

/** What supervisors and collectors of metrics ask. */
export function healthRoutes(app: FastifyInstance, { api, metrics }: HttpDeps): void {
  app.get('/healthz', async () => ({ alive: true }))

  app.get('/readyz', async (_request, reply) => {
    const ready = api.ready()
    return reply.code(ready ? 200 : 503).send({ ready })
  })

  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))
}
