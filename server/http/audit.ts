import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { AuditLog } from '../../audit/index.ts'
import type { AuditEntry } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import { actorOf } from '../members/acts.ts'
import { callerOf, knownCallerOf } from './auth.ts'
import { failureOf } from './failures.ts'
import type { HttpDeps } from './options.ts'

/** What the routes need of a log. */
export type ReadableAudit = Pick<AuditLog, 'append' | 'publicKey' | 'federation' | 'lines' | 'records' | 'snapshot'>

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

/** What whoever is not known is refused with. */
const strangersRefusals: ReadonlySet<ErrorCode> = new Set([
  'auth.failed',
  'auth.origin',
  'auth.certificate-expired',
  'auth.suspended',
  'auth.revoked',
  'enrolment.code-refused',
  'enrolment.request-invalid',
  'enrolment.too-often',
])

/** What is no request at all. */
const malformed: ReadonlySet<ErrorCode> = new Set(['request.invalid', 'request.too-large'])

async function* withNewlines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

/**
 * Records before they are answered: requests of nobody known that are refused, and what callers who are known send that is no
 * request. What strangers send that has no form is counted in `parley_http_requests_total` alone.
 */
export function auditRefusals(app: FastifyInstance, { clock }: HttpDeps, audit: ReadableAudit): void {
  const throttle = new Throttle()
  app.addHook('onError', async (request, _reply, failure) => {
    const { code } = failureOf(failure)
    const refusal = refusalOf(request, code)
    if (refusal === undefined) return
    const { kind, ...entry } = refusal
    const more = throttle.take(kind, clock.now())
    if (more === undefined) return
    const details = { method: request.method, route: request.routeOptions.url, leftOut: more === 0 ? undefined : more }
    // It is refused either way.
    await audit.append({ ...entry, outcome: 'denied', code, details }).catch(() => {})
  })
}

type Refusal = Pick<AuditEntry, 'action' | 'actor' | 'object'> & { readonly kind: string }

function refusalOf(request: FastifyRequest, code: ErrorCode): Refusal | undefined {
  const object = { kind: 'address', id: request.ip }
  if (strangersRefusals.has(code)) {
    const actor = { kind: 'system', id: 'coordinator' } as const
    return { kind: `access.refuse ${code}`, action: 'access.refuse', actor, object }
  }
  const caller = malformed.has(code) ? knownCallerOf(request) : undefined
  if (caller === undefined) return undefined
  return { kind: `request.malformed ${caller.id}`, action: 'request.malformed', actor: actorOf(caller), object }
}
