import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import { anonymous, type Caller, HOST, type KnownCaller, type MemberCaller } from '../members/caller.ts'
import { hostPermissions } from '../members/permissions.ts'
import { isCrossOrigin, isSameOrigin } from '../transport/origin.ts'
import { SessionCookie } from './cookies.ts'
import { PREFLIGHT } from './cross-origin.ts'
import { type Access, operations } from './operations.ts'
import { type HttpOptions, isLoopback } from './options.ts'

/** What a page sends with what changes something: a form of another site cannot. */
export const CSRF_HEADER = 'x-parley-request'

export type AuthOptions = Pick<HttpOptions, 'adminToken' | 'people' | 'logger' | 'tls' | 'host'>

const callers = new WeakMap<FastifyRequest, KnownCaller>()

/** What each route asks for, by method and path as the router has them. */
const accessTable: ReadonlyMap<string, Access> = new Map([
  ...operations.map(({ method, path, access }) => [`${method} ${path}`, access] as const),
  [PREFLIGHT, 'public'] as const,
])

/**
 * Holds every request against the table of operations before anything of its body is read: who asks must have the permission
 * of the route that answers. A route that is not in the table answers nobody. Throws `auth.failed` where it is not known who
 * asks, `auth.forbidden` or `auth.second-factor` where it is, `auth.origin` for cookies from pages of other origins.
 */
export function guard(app: FastifyInstance, options: AuthOptions): void {
  const callerOfRequest = authentication(options)
  app.addHook('onRequest', async (request) => {
    if (request.is404) return
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const operation = `${method} ${request.routeOptions.url ?? ''}`
    const access = accessTable.get(operation)
    if (access === 'public') return
    const caller = await callerOfRequest(request)
    if (caller.kind === 'anonymous') throw new ParleyError('auth.failed')
    if (access === undefined || !caller.permissions.has(access)) {
      const error = refusal(caller, access)
      await options.people?.denied(caller, operation, error.code).catch((err: unknown) => {
        options.logger.error({ err, operation }, 'a refused call was not recorded')
      })
      throw error
    }
    callers.set(request, caller)
  })
}

/** Who asks; only of routes that are not public. */
export function callerOf(request: FastifyRequest): KnownCaller {
  const caller = callers.get(request)
  if (caller === undefined) throw new ParleyError('internal', 'nobody was asked who they are')
  return caller
}

/** Who asks, where that is known: not of public routes, nor before it was found out. */
export function knownCallerOf(request: FastifyRequest): KnownCaller | undefined {
  return callers.get(request)
}

/** The member who asks. Throws `auth.forbidden` for the key of the machine's owner. */
export function memberOf(request: FastifyRequest): MemberCaller {
  const caller = callerOf(request)
  if (caller.kind !== 'member') throw new ParleyError('auth.forbidden', 'only members have this')
  return caller
}

/** Who acts. Throws `auth.identity-mismatch` where a body claims that it is somebody else. */
export function actorOf(request: FastifyRequest, claimed?: string): string {
  const { id } = callerOf(request)
  if (claimed !== undefined && claimed !== id) {
    throw new ParleyError('auth.identity-mismatch', `you act as ${id}, and the body names another actor`)
  }
  return id
}

/** Whether the cookie of a session is for TLS alone: everywhere but on the loopback interface without it. */
export function cookieOf({ tls, host = '127.0.0.1' }: Pick<HttpOptions, 'tls' | 'host'>): SessionCookie {
  return new SessionCookie(tls !== undefined || !isLoopback(host))
}

function refusal(caller: KnownCaller, access: Access | undefined): ParleyError {
  const unfinished = caller.kind === 'member' && caller.via.kind === 'session' && !caller.via.complete
  if (unfinished) return new ParleyError('auth.second-factor')
  return new ParleyError('auth.forbidden', access === undefined ? undefined : `this takes the permission ${access}`)
}

function authentication(options: AuthOptions): (request: FastifyRequest) => Promise<Caller> {
  const { adminToken, people } = options
  const expected = adminToken === undefined ? undefined : digestOf(adminToken)
  const cookie = cookieOf(options)
  const host: Caller = { kind: 'host', id: HOST, permissions: hostPermissions }

  async function ofBearer(header: string): Promise<Caller> {
    const [, token = ''] = /^Bearer +([\x21-\x7e]+) *$/i.exec(header) ?? []
    // Digests are compared, in constant time, so that nothing can be learnt from how long a refusal takes.
    if (expected !== undefined && timingSafeEqual(digestOf(token), expected)) return host
    return (await people?.ofToken(token)) ?? anonymous
  }

  async function ofCookie(request: FastifyRequest): Promise<Caller> {
    const value = cookie.read(request.headers.cookie)
    const caller = value === undefined ? undefined : await people?.ofSession(value)
    if (caller === undefined) return anonymous
    const tls = options.tls !== undefined
    const reads = request.method === 'GET' || request.method === 'HEAD'
    const fine = reads
      ? !isCrossOrigin(request, tls)
      : isSameOrigin(request, tls) && request.headers[CSRF_HEADER] !== undefined
    if (!fine) throw new ParleyError('auth.origin')
    return caller
  }

  return (request) => {
    const { authorization } = request.headers
    return authorization === undefined ? ofCookie(request) : ofBearer(authorization)
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
