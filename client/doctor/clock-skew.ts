import { request } from 'node:http'
import { ENROLMENT_SKEW_MS } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { patienceFor } from '../network/connect.ts'
import { connectionOf } from '../network/web.ts'
import { type Finding, failed, ok, skipped, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'

const NOTICED_MS = 60_000
const HOUR_MS = 3_600_000

/**
 * The clock of this machine against the `Date` header (RFC 9110, section 6.6.1, whole seconds) at an address that speaks HTTP. Clients that
 * have joined cannot renew their certificate beyond what enrolment tolerates; for the others an hour is much for days in policies.
 */
export async function checkClock(urls: readonly string[], options: DoctorOptions): Promise<Finding> {
  const address = urls.find((url) => /^wss?:/.test(url))
  if (address === undefined) return skipped('no address of the coordinator speaks HTTP, which would say its time')
  const url = new URL(address)
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:'
  url.pathname = '/healthz'
  try {
    const skewMs = await skewAt(url, options)
    const seconds = Math.round(skewMs / 1000)
    const value = Math.abs(seconds) < 2 ? 'no difference' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
    const measured = { seconds }
    const most = options.certificate === undefined ? HOUR_MS : ENROLMENT_SKEW_MS
    if (Math.abs(skewMs) > most) {
      return {
        outcome: 'fail',
        value,
        measured,
        advice: 'set the clock of this machine (NTP), or have the coordinator’s set',
      }
    }
    return Math.abs(skewMs) > NOTICED_MS
      ? warn(value, 'set the clock of this machine (NTP), or have the coordinator’s set', measured)
      : ok(value, measured)
  } catch (failure) {
    return failed(failure)
  }
}

/** Milliseconds by which this machine is ahead. */
async function skewAt(url: URL, { dial, limits, clock }: DoctorOptions): Promise<number> {
  const { proxy, tls } = dial
  const network = { ...(proxy === undefined ? {} : { proxy }), ...(tls === undefined ? {} : { tls }) }
  const began = clock.now()
  const date = await new Promise<string | undefined>((resolve, reject) => {
    const patience = patienceFor(limits.handshakeMs)
    // The connection speaks TLS by itself where the address says so.
    const asking = request({
      host: url.hostname,
      path: url.pathname,
      headers: { host: url.host },
      signal: patience.signal,
      createConnection: connectionOf(url, network, patience),
    })
    asking.once('response', (response) => {
      resolve(response.headers.date)
      response.destroy()
    })
    asking.on('error', (cause) => reject(ParleyError.from(cause, 'session.unreachable')))
    asking.end()
  })
  const there = Date.parse(date ?? '')
  if (!Number.isFinite(there)) throw new ParleyError('session.unreachable', `${url.host} did not say its time`)
  // The header has whole seconds, cut off: half a second more is the likelier time.
  return (began + clock.now()) / 2 - (there + 500)
}
