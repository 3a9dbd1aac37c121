import type { FastifyInstance } from 'fastify'
import type { People } from '../members/people.ts'
import { callerOf, memberOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { nameOf } from './fields.ts'
import { peopleBodies } from './people-bodies.ts'

/** Keys of programs: one's own, and those of others for who looks after people. */
export function tokenRoutes(app: FastifyInstance, people: People): void {
  app.post('/v1/tokens', async (request, reply) => {
    const { label, scopes, expiresAt } = bodyOf(peopleBodies.token, request.body)
    const { token, view } = await people.createToken(memberOf(request), {
      label,
      scopes,
      expiresAt: Date.parse(expiresAt),
    })
    return reply.code(201).send({ ...view, token })
  })

  app.get('/v1/tokens', async (request) => {
    const caller = callerOf(request)
    return { tokens: caller.kind === 'host' ? [] : await people.tokensOf(caller.id) }
  })

  app.delete('/v1/tokens/:token', async (request) => {
    const caller = memberOf(request)
    return people.revokeToken(caller, caller.id, nameOf(request.params, 'token'))
  })

  app.get('/v1/members/:id/tokens', async ({ params }) => ({ tokens: await people.tokensOf(nameOf(params, 'id')) }))

  app.delete('/v1/members/:id/tokens/:token', async (request) =>
    people.revokeToken(callerOf(request), nameOf(request.params, 'id'), nameOf(request.params, 'token')),
  )
}
