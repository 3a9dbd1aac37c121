import type { ServerResponse } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'

export type EventStreamOptions = {
  readonly clock: Clock
  /** How long a reader may take nothing before it is cut off. */
  readonly stallMs: number
  /** How often a comment is sent, so that nothing between takes the connection for dead. */
  readonly heartbeatMs: number
}

/** An event that is sent under a name. `data` is one line. */
export type NamedEvent = { readonly event: string; readonly id?: string; readonly data: string }

/**
 * Writes values as server-sent events (HTML standard, section 9.2), one `data:` line each, as fast as the reader takes
 * them: the next value is asked for when the last one is on its way. Resolves when the values end; rejects with
 * `session.slow-consumer` or `session.closed`.
 */
export async function sendEvents(
  values: AsyncIterable<NamedEvent | { readonly value: unknown }>,
  response: ServerResponse,
  options: EventStreamOptions,
): Promise<void> {
  const { clock, stallMs, heartbeatMs } = options
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.flushHeaders()
  let stopHeartbeat = () => {}
  const heartbeat = () => {
    if (!response.writableNeedDrain) response.write(': alive\n\n')
    stopHeartbeat = clock.after(heartbeatMs, heartbeat)
  }
  stopHeartbeat = clock.after(heartbeatMs, heartbeat)
  try {
    for await (const value of values) {
      if (response.destroyed) throw new ParleyError('session.closed')
      if (!response.write(textOf(value))) await drained(response, clock, stallMs)
    }
    response.end()
  } finally {
    stopHeartbeat()
  }
}

function textOf(event: NamedEvent | { readonly value: unknown }): string {
  if ('value' in event) return `data: ${JSON.stringify(event.value)}\n\n`
  const id = event.id === undefined ? '' : `id: ${event.id}\n`
  return `event: ${event.event}\n${id}data: ${event.data}\n\n`
}

function drained(response: ServerResponse, clock: Clock, stallMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      cancel()
      response.off('drain', passed)
      response.off('close', closed)
      outcome()
    }
    const passed = settle(resolve)
    const closed = settle(() => reject(new ParleyError('session.closed')))
    const cancel = clock.after(
      stallMs,
      settle(() => reject(new ParleyError('session.slow-consumer'))),
    )
    response.on('drain', passed)
    response.on('close', closed)
  })
}
