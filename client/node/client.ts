import { ParleyError } from '../../core/errors/index.ts'
import { envelopeOf } from '../../core/wire/envelope-field.ts'
import type { Frame } from '../../core/wire/frame.ts'
import { Link } from '../../core/wire/link.ts'
import { Ways } from '../carriers/ways.ts'
import { Backoff } from './backoff.ts'
import { Fetcher } from './fetcher.ts'
import { openHandshake } from './handshake.ts'
import type { ClientOptions } from './options.ts'
import { Worker } from './worker.ts'

/** A client node: keeps a session with its coordinator, and does the coordinator's tasks on local data. */
export interface ClientNode {
  /** Connects, and goes on connecting whenever the connection is lost, until `stop`. */
  start(): void
  /** Ends the session and the work. May be called twice. */
  stop(): Promise<void>
}

export function createClientNode(options: ClientOptions): ClientNode {
  const abort = new AbortController()
  const fetcher = new Fetcher(options.crypto)
  const worker = new Worker(options, fetcher)
  let running: Promise<void> | undefined
  return {
    start() {
      running ??= keepConnected(options, fetcher, worker, abort.signal)
    },
    async stop() {
      abort.abort()
      await worker.stop()
      await running
    },
  }
}

async function keepConnected(
  options: ClientOptions,
  fetcher: Fetcher,
  worker: Worker,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(options.crypto, options.limits.idleMs)
  const ways = new Ways(options.dials, options.clock)
  while (!signal.aborted) {
    const dial = ways.next()
    if (dial === undefined)
      throw new ParleyError('config.invalid', 'a client needs at least one way to its coordinator')
    let error: ParleyError | undefined
    try {
      const link = new Link(await dial(signal), {
        clock: options.clock,
        idleMs: options.limits.idleMs,
        stallMs: options.limits.stallMs,
      })
      await holdSession({ options, link, fetcher, worker, signal, onMet: () => ways.gotThrough() })
      backoff.reset()
    } catch (failure) {
      error = ParleyError.from(failure)
      // A broken connection says nothing of the next one; a refusal by name would come again at once.
      if (error.code === 'session.closed') backoff.reset()
      // The other way may get through where this one does not.
      ways.failed()
    }
    if (signal.aborted) return
    const retryInMs = Math.max(backoff.next(), retryAfterOf(error, options.limits.idleMs))
    options.onEvent?.({ type: 'disconnected', retryInMs, ...(error === undefined ? {} : { error }) })
    await sleep(options, retryInMs, signal)
  }
}

type Session = {
  readonly options: ClientOptions
  readonly link: Link
  readonly fetcher: Fetcher
  readonly worker: Worker
  readonly signal: AbortSignal
  /** The coordinator has proved its key and let the client in. */
  readonly onMet: () => void
}

async function holdSession({ options, link, fetcher, worker, signal, onMet }: Session): Promise<void> {
  const stop = () => link.fail(new ParleyError('interrupted', 'the client stops'))
  signal.addEventListener('abort', stop, { once: true })
  const cancel = options.clock.after(options.limits.handshakeMs, () =>
    link.fail(new ParleyError('session.handshake-timeout')),
  )
  try {
    const { client, idleMs } = await openHandshake(options, link)
    cancel()
    onMet()
    link.startHeartbeats(Math.min(idleMs, options.limits.idleMs))
    options.onEvent?.({ type: 'connected', client, carrier: link.carrier, remote: link.remote })
    fetcher.attach(link)
    worker.attach(link, client)
    for (let frame = await link.read(); frame !== undefined; frame = await link.read()) take(frame, fetcher, worker)
  } catch (failure) {
    const error = ParleyError.from(failure)
    link.fail(error)
    throw error
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
    fetcher.detach()
    worker.detach()
  }
}

function take(frame: Frame, fetcher: Fetcher, worker: Worker): void {
  switch (frame.type) {
    case 'task':
      return worker.take(envelopeOf(frame.configuration))
    case 'blobChunk':
      return fetcher.chunk(frame)
    case 'blobAbsent':
      return fetcher.absent(frame)
    case 'uploadReady':
      return worker.outbox.ready(frame)
    case 'receipt':
      return worker.outbox.receipt(frame)
    case 'maskingStep':
      return worker.step(frame)
    case 'heartbeat':
      return
    case 'hello':
    case 'challenge':
    case 'authenticate':
    case 'welcome':
    case 'close':
    case 'decline':
    case 'blobRequest':
    case 'uploadOpen':
    case 'uploadChunk':
    case 'evaluation':
    case 'maskingAnswer':
      throw new ParleyError('session.protocol', `a ${frame.type} came from the coordinator in an open session`)
    default:
      return frame satisfies never
  }
}

/** What the coordinator asked to wait, as far as that is reasonable. */
function retryAfterOf(error: ParleyError | undefined, mostMs: number): number {
  const asked = error?.details?.retryAfterMs
  return typeof asked === 'number' ? Math.min(asked, mostMs) : 0
}

function sleep({ clock }: ClientOptions, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
  })
}
