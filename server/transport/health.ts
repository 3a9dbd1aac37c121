import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js'

/** Where the health service learns whether the coordinator takes sessions. */
export type Health = {
  serving(): boolean
  /** Calls `listener` after every change; returns the way to stop that. */
  watch(listener: () => void): () => void
}

type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'
type Request = { readonly service: string }
type Response = { readonly status: ServingStatus }

/** Calls of `Watch` that are open at a time: whoever watches is not authenticated. */
const WATCHERS = 16

const SERVICES = ['', 'parley.v1.Coordinator', 'grpc.health.v1.Health']

/** The handlers of `grpc.health.v1.Health`. */
export function healthHandlers(health: Health) {
  let watchers = 0
  const answer = (service: string): Response => {
    if (!SERVICES.includes(service)) return { status: 'SERVICE_UNKNOWN' }
    return { status: health.serving() ? 'SERVING' : 'NOT_SERVING' }
  }

  return {
    Check: (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>) => {
      const response = answer(call.request.service)
      if (response.status !== 'SERVICE_UNKNOWN') respond(null, response)
      else respond({ code: status.NOT_FOUND, details: 'there is no such service here' })
    },
    Watch: (call: ServerWritableStream<Request, Response>) => {
      if (watchers >= WATCHERS) {
        call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `more than ${WATCHERS} watchers` })
        return
      }
      watchers++
      let last: ServingStatus | undefined
      const tell = () => {
        const response = answer(call.request.service)
        if (response.status !== last) call.write(response)
        last = response.status
      }
      const stop = health.watch(tell)
      call.once('cancelled', () => {
        watchers--
        stop()
      })
      tell()
    },
  }
}
