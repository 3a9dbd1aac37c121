import type { FastifyInstance, FastifyReply } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import type { LoggedIn } from '../members/login.ts'
import type { People } from '../members/people.ts'
import { isCrossOrigin } from '../transport/origin.ts'
import { callerOf, cookieOf, memberOf } from './auth.ts'
import { bodyOf } from './body.ts'
import type { HttpOptions } from './options.ts'
import { peopleBodies } from './people-bodies.ts'

/** How members log in and out, and what they do with their own account. */
export function sessionRoutes(app: FastifyInstance, options: HttpOptions, people: People): void {
  const cookie = cookieOf(options)
  const { account } = people

  async function answer(reply: FastifyReply, { value, caller }: LoggedIn, more: object = {}): Promise<object> {
    void reply.header('set-cookie', cookie.set(value))
    return { ...(await account.standing(caller)), ...more }
  }

  app.post('/v1/session', async (request, reply) => {
    // Nobody is logged in from a page of somebody else, as somebody else.
    if (isCrossOrigin(request, options.tls !== undefined)) throw new ParleyError('auth.origin')
    const given = bodyOf(peopleBodies.login, request.body)
    return answer(reply, await people.logIn(given, request.ip, cookie.read(request.headers.cookie)))
  })

  app.get('/v1/session', async (request) => {
    const caller = callerOf(request)
    if (caller.kind === 'host') return { host: true, permissions: [...caller.permissions], todo: [] }
    return account.standing(caller)
  })

  app.delete('/v1/session', async (request, reply) => {
    await account.logOut(memberOf(request), false)
    return reply.code(204).header('set-cookie', cookie.clear()).send()
  })

  app.delete('/v1/sessions', async (request, reply) => {
    await account.logOut(memberOf(request), true)
    return reply.code(204).header('set-cookie', cookie.clear()).send()
  })

  app.post('/v1/session/password', async (request, reply) => {
    const given = bodyOf(peopleBodies.password, request.body)
    return answer(reply, await account.setPassword(memberOf(request), given, request.ip))
  })

  app.post('/v1/session/second-factor', async (request) => {
    const { code } = bodyOf(peopleBodies.beginSecondFactor, request.body)
    return account.beginSecondFactor(memberOf(request), code, request.ip)
  })

  app.post('/v1/session/second-factor/confirm', async (request, reply) => {
    const { code } = bodyOf(peopleBodies.confirmSecondFactor, request.body)
    const { recoveryCodes, ...logged } = await account.confirmSecondFactor(memberOf(request), code, request.ip)
    return answer(reply, logged, { recoveryCodes })
  })
}
