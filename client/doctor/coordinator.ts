import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { Link } from '../../core/wire/link.ts'
import { dialUrl } from '../carriers/dial.ts'
import { meetCoordinator, openHandshake } from '../node/handshake.ts'
import { type Finding, failed, ok, skipped, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'
import { since } from './reach.ts'

type Reached = { readonly url: string; readonly carrier: string; readonly ms: number }

/** Which carriers get through; the preferred one of those goes into `found`, for the checks after it. */
export async function checkCarriers(
  urls: readonly string[],
  { dial, limits, clock }: DoctorOptions,
  found: (url: string) => void,
): Promise<Finding> {
  const tried = await Promise.all(
    urls.map(async (url): Promise<Reached | { readonly url: string; readonly error: ParleyError }> => {
      const began = clock.monotonic()
      try {
        const connection = await dialUrl(url, { ...dial, limits })()
        connection.destroy()
        return { url, carrier: nameOf(url), ms: since(began, clock) }
      } catch (failure) {
        return { url, error: ParleyError.from(failure) }
      }
    }),
  )
  const value = tried
    .map((one) => `${nameOf(one.url)} ${'error' in one ? one.error.message : `in ${one.ms} ms`}`)
    .join('; ')
  const [best] = tried.filter((one) => 'carrier' in one)
  const lost = tried.find((one) => 'error' in one)
  if (best === undefined) return failed(lost?.error ?? new ParleyError('session.unreachable'))
  found(best.url)
  const measured = Object.fromEntries(tried.map((one) => [one.url, 'carrier' in one ? one.ms : one.error.code]))
  if (lost === undefined) return ok(value, measured)
  const blocked = isGrpc(lost.url) && !isGrpc(best.url)
  return warn(
    blocked ? `${value}; gRPC (HTTP/2) does not get through, WebSocket does` : value,
    blocked
      ? 'nothing has to be done: the client goes over WebSocket; to have gRPC, ask for HTTP/2 to be let through'
      : lost.error.entry.hint,
    measured,
  )
}

const isGrpc = (url: string) => url.startsWith('grpc')
const nameOf = (url: string) => (isGrpc(url) ? 'gRPC' : 'WebSocket')

/** Whether the coordinator proves the pinned key. It learns nothing but this client's public key. */
export async function checkIdentity(url: string, options: DoctorOptions): Promise<Finding> {
  try {
    await onLink(url, options, (link) => meetCoordinator(asClient(options), link))
    const key = toHex(options.coordinatorKey)
    return ok(`it proved the pinned key ${key}`, { key })
  } catch (failure) {
    return failed(failure)
  }
}

/** A whole handshake, and leave: no task is taken, no data touched. */
export async function checkDryRun(url: string, options: DoctorOptions): Promise<Finding> {
  // A second session of the same client would end the first.
  if (await options.running()) return skipped('a client of this folder is running: its session would be replaced')
  try {
    const { client } = await onLink(url, options, (link) => openHandshake(asClient(options), link))
    return ok(`let in as ${client}, and left; no data was touched`, { client })
  } catch (failure) {
    return failed(failure)
  }
}

const asClient = ({ crypto, identity, coordinatorKey, limits }: DoctorOptions) => ({
  crypto,
  identity,
  coordinatorKey,
  limits,
  agent: 'parley doctor',
})

async function onLink<Value>(
  url: string,
  { dial, limits, clock }: DoctorOptions,
  work: (link: Link) => Promise<Value>,
): Promise<Value> {
  const link = new Link(await dialUrl(url, { ...dial, limits })(), {
    clock,
    idleMs: limits.handshakeMs,
    stallMs: limits.handshakeMs,
  })
  try {
    return await work(link)
  } finally {
    link.fail(new ParleyError('interrupted', 'the check is over'))
    await link.closed
  }
}
