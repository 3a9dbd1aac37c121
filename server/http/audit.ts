import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { AuditLog } from '../../audit/index.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import { actorOf } from '../members/acts.ts'
import { callerOf } from './auth.ts'
import type { HttpDeps } from './options.ts'

/** What the routes need of a log. */
export type ReadableAudit = Pick<AuditLog, 'append' | 'publicKey' | 'federation' | 'lines' | 'snapshot'>

const number = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const querySchema = z.strictObject({
  from: number.default(0),
  limit: number.pipe(z.number().min(1).max(100_000)).default(1_000),
})

/** The log as lines, for auditors; its public key for everybody who verifies one. */
export function auditRoutes(root: FastifyInstance, audit: ReadableAudit): void {
  const { federation } = audit
  root.get('/v1/audit/key', async () => ({ federation, publicKey: toHex(audit.publicKey) }))

  root.get('/v1/audit', async (request, reply) => {
    const parsed = querySchema.safeParse(request.query)
    if (!parsed.success)
      throw new ParleyError('request.invalid', 'from and limit are whole numbers; limit from 1 to 100000')
    const { from, limit } = parsed.data
    const object = { kind: 'federation', id: federation }
    await audit.append({ action: 'audit.read', actor: actorOf(callerOf(request)), object, details: { from, limit } })
    return reply.type('application/x-ndjson').send(Readable.from(withNewlines(audit.lines(from, limit))))
  })
}

const anonymousRefusals: ReadonlySet<ErrorCode> = new Set(['auth.failed', 'auth.origin'])

async function* withNewlines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

/** Records requests of nobody known before they are answered; those of callers who are known are recorded with who they are. */
export function auditRefusals(app: FastifyInstance, { clock }: HttpDeps, audit: ReadableAudit): void {
  const throttle = new Throttle()
  app.addHook('onError', async ({ method, routeOptions, ip }, _reply, failure) => {
    if (!(failure instanceof ParleyError) || !anonymousRefusals.has(failure.code)) return
    const more = throttle.take('access.refuse', clock.now())
    if (more === undefined) return
    const details = { method, route: routeOptions.url, leftOut: more === 0 ? undefined : more }
    // It is refused either way.
    await audit
      .append({
        action: 'access.refuse',
        actor: { kind: 'system', id: 'coordinator' },
        object: { kind: 'address', id: ip },
        outcome: 'denied',
        code: failure.code,
        details,
      })
      .catch(() => {})
  })
}
