import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { catalogue, ParleyError } from '../../core/errors/index.ts'
import type { Logger } from '../observe/logger.ts'

/** Answers with the error's entry in the catalogue: its HTTP status, and code, message, hint and whether to try again. */
export function answerFailure(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const error = failureOf(thrown)
  const { http } = error.entry
  if (http >= 500 && error.code !== 'server.draining') {
    logger.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed')
  }
  if (http === 401) void reply.header('www-authenticate', 'Bearer')
  const retryAfterMs = error.details?.retryAfterMs
  if (typeof retryAfterMs === 'number') void reply.header('retry-after', Math.ceil(retryAfterMs / 1_000))
  void reply
    .code(http)
    .type('application/json; charset=utf-8')
    .send({ error: publicView(error) })
}

/** What is thrown on the way to a route is the framework's; what is not known is a defect. */
export function failureOf(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  const status = thrown instanceof Error && 'statusCode' in thrown ? thrown.statusCode : undefined
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ParleyError('request.too-large')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new ParleyError('request.invalid', 'this content type is not taken here')
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ParleyError('request.invalid', thrown instanceof Error ? thrown.message : undefined)
  }
  return ParleyError.from(thrown)
}

/** A defect shows nothing of the inside; the log has it. */
function publicView(error: ParleyError): object {
  return error.code === 'internal' ? { ...error.describe(), message: error.entry.meaning } : error.describe()
}

/** Answers what is not even HTTP, or takes too long to become it, on the bare socket. */
export function answerBrokenRequest(failure: Error & { readonly code?: string }, socket: Socket): void {
  if (failure.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, code] =
    failure.code === 'HPE_HEADER_OVERFLOW'
      ? (['431 Request Header Fields Too Large', 'request.too-large'] as const)
      : failure.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? (['408 Request Timeout', 'request.invalid'] as const)
        : (['400 Bad Request', 'request.invalid'] as const)
  const { meaning, hint, retryable } = catalogue[code]
  const body = JSON.stringify({ error: { code, message: meaning, hint, retryable } })
  const head = `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`)
}
