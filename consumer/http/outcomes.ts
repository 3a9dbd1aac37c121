import { z } from 'zod'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { consumerLimits as limits } from '../limits.ts'
import { type Answer, ask, type HttpDeps, smallBody } from './request.ts'

const DSSE = 'application/vnd.dsse.envelope.v1+json'

const failureSchema = z.object({
  error: z.object({
    code: z.string().max(100),
    message: z.string().max(10_000),
    details: z.record(z.string().max(100), z.union([z.string(), z.number(), z.boolean()])).optional(),
  }),
})

/**
 * Sends a signed report, and resolves when the registry has taken it, now or before. Throws what the registry refuses it for
 * (`outcomes.…`), `session.unreachable` when it does not answer or is busy, `request.invalid` for any other answer.
 */
export async function sendReport(
  deps: HttpDeps,
  model: string,
  envelope: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await ask(deps, {
    path: `/v1/models/${model}/outcomes`,
    headers: { 'content-type': DSSE },
    body: envelope,
    anyStatus: true,
    timeoutMs: limits.timeoutMs,
    signal,
  })
  if (answer.status === 200) return answer.end()
  throw await refusal(answer)
}

/** Why it was refused: the registry's word where that is one of a report, and the status else. */
async function refusal(answer: Answer): Promise<ParleyError> {
  const { status } = answer
  const told = await smallBody(answer, limits.answerBytes).then(
    (bytes) => errorIn(bytes),
    () => undefined,
  )
  if (told?.code.startsWith('outcomes.')) return ParleyError.fromPeer(told.code, told.message, told.details)
  const busy = status >= 500 || status === 429 || status === 408
  const reason = `the registry answers a report with status ${status}`
  return new ParleyError(busy ? 'session.unreachable' : 'request.invalid', reason, { details: { status } })
}

function errorIn(bytes: Uint8Array) {
  try {
    return failureSchema.parse(JSON.parse(fromUtf8(bytes))).error
  } catch {
    return undefined
  }
}
