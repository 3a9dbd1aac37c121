import type { FastifyInstance } from 'fastify'
import type { People } from '../members/people.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { nameOf } from './fields.ts'
import { peopleBodies } from './people-bodies.ts'

/** What waits for a second person. Whether one may confirm a request depends on the act. */
export function requestRoutes(app: FastifyInstance, { fourEyes }: People): void {
  app.get('/v1/requests', async () => ({ requests: await fourEyes.list() }))

  app.get('/v1/requests/:id', async ({ params }) => fourEyes.show(nameOf(params, 'id')))

  app.post('/v1/requests/:id/confirm', async (request) => {
    const { digest } = bodyOf(peopleBodies.confirm, request.body)
    return fourEyes.confirm(callerOf(request), nameOf(request.params, 'id'), digest)
  })

  app.post('/v1/requests/:id/refuse', async (request) => ({
    request: await fourEyes.refuse(callerOf(request), nameOf(request.params, 'id')),
  }))
}
