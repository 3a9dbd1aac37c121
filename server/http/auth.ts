import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'

/**
 * Lets requests with the admin token through (`Authorization: Bearer …`) and throws `auth.token-invalid` for others, before
 * anything of their body is read. Digests are compared, in constant time, so that nothing can be learnt from how long a
 * refusal takes.
 */
export function adminOnly(adminToken: string): (request: FastifyRequest) => Promise<void> {
  const expected = digestOf(adminToken)
  return async ({ headers }) => {
    const [, token = ''] = /^Bearer +([\x21-\x7e]+) *$/i.exec(headers.authorization ?? '') ?? []
    if (!timingSafeEqual(digestOf(token), expected)) throw new ParleyError('auth.token-invalid')
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
