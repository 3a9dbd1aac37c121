import { createHash, X509Certificate } from 'node:crypto'
import { openSocket, patienceFor, secured } from '../network/connect.ts'
import { type TlsPeer, tlsPeerOf } from '../network/tls-peer.ts'
import { anyOf, type Finding, failed, ok, type Part, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'
import { nameOf, type Target } from './reach.ts'

export const DAY_MS = 86_400_000

/** A coordinator renews its own certificate a month before its end. */
const FEW_DAYS = 14

/** Who certified the other end, for how long yet, and whether somebody opens TLS on the way. */
export async function checkTlsChain(targets: readonly Target[], options: DoctorOptions): Promise<Finding> {
  const places = new Map(
    targets.flatMap((target) =>
      /^(grpcs|wss):$/.test(target.url.protocol) ? [[nameOf(target.place), target] as const] : [],
    ),
  )
  if (places.size === 0) return ok('none: clear text on this machine', { tls: false })
  const parts = [...places].map(async ([at, target]): Promise<Part> => {
    try {
      return { at, finding: judged(await peerAt(target, options), options) }
    } catch (failure) {
      return { at, finding: failed(failure) }
    }
  })
  return anyOf(await Promise.all(parts))
}

async function peerAt({ place, route }: Target, { dial, limits }: DoctorOptions): Promise<TlsPeer | undefined> {
  const { tls = {} } = dial
  const patience = patienceFor(limits.handshakeMs)
  const socket = await openSocket(place, route && { ...route, trust: tls }, patience)
  // Offered like any client of the web: a gateway may answer to gRPC alone by hanging up.
  const connection = await secured(socket, place.host, { ...tls, alpn: ['h2', 'http/1.1'] }, patience)
  const peer = tlsPeerOf(connection)
  connection.destroy()
  return peer
}

function judged(peer: TlsPeer | undefined, { clock, authority, dial }: DoctorOptions): Finding {
  if (peer === undefined) return warn('the other end showed no certificate', 'check what listens at this address')
  const { issuer, until } = peer
  const daysLeft = Math.floor((until - clock.now()) / DAY_MS)
  const value = `issued by ${issuer}, ${daysLeft} days left`
  const gateway = dial.tls?.gatewayCa
  const opened =
    gateway !== undefined && hasOneOf(peer, gateway) && !(authority !== undefined && hasOneOf(peer, authority))
  const measured = { issuer, daysLeft, opened }
  if (opened) {
    return warn(
      `${value}; a gateway opens TLS on the way`,
      'it can read what travels, except for updates, which are sealed for the coordinator; ask for an exception if that is not wanted',
      measured,
    )
  }
  if (daysLeft < FEW_DAYS) return warn(value, 'have it renewed by whoever runs the other end', measured)
  return ok(value, measured)
}

/** Whether one of the certificates of a PEM text is in the chain. */
function hasOneOf({ fingerprints }: TlsPeer, pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.some((block) =>
    fingerprints.includes(createHash('sha256').update(new X509Certificate(block).raw).digest('hex')),
  )
}
