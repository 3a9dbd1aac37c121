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
export type ReadableAudit = Pick<AuditLog, 'append' | 'publicKey' | 'federation' | 'lines' | 'records'>

const number = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number)
const querySchema = z.strictObject({
  from: number.default(0),
  limit: number.pipe(z.number().min(1).max(100_000)).default(1_000),
})

/** The newest so many, in the place of `from` and `limit`. */
const tailSchema = z.strictObject({ last: number.pipe(z.number().min(1).max(100_000)) })

/** Which record the first line of an answer is. */
export const FROM_HEADER = 'x-parley-from'

/** The log as lines, for auditors; its public key for everybody who verifies one. */
export function auditRoutes(root: FastifyInstance, audit: ReadableAudit): void {
  const { federation } = audit
  root.get('/v1/audit/key', async () => ({ federation, publicKey: toHex(audit.publicKey) }))

  root.get('/v1/audit', async (request, reply) => {
    const { from, limit } = askedIn(audit, request.query)
    const object = { kind: 'federation', id: federation }
    await audit.append({ action: 'audit.read', actor: actorOf(callerOf(request)), object, details: { from, limit } })
    void reply.header(FROM_HEADER, from)
    return reply.type('application/x-ndjson').send(Readable.from(withNewlines(audit.lines(from, limit))))
  })
}

/** The record that is read with is on the log before it is read: it is one of the newest. */
function askedIn(audit: ReadableAudit, query: unknown): { readonly from: number; readonly limit: number } {
  const tail = tailSchema.safeParse(query)
  if (tail.success) {
    const { last } = tail.data
    return { from: Math.max(0, audit.records + 1 - last), limit: last }
  }
  const parsed = querySchema.safeParse(query)
  if (parsed.success) return parsed.data
  throw new ParleyError(
    'request.invalid',
    'from and limit, or last alone, are whole numbers; limit and last from 1 to 100000',
  )
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
