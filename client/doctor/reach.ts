import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { ParleyError } from '../../core/errors/index.ts'
import { hostPort } from '../../core/wire/address.ts'
import { openSocket, type Patience, type Place, patienceFor, placeOf, whyGivenUp } from '../network/connect.ts'
import { type ProxyRoute, proxyFor, proxyName } from '../network/proxy.ts'
import { anyOf, type Finding, failed, ok, type Part } from './finding.ts'
import type { DoctorOptions } from './options.ts'

/** An address of the coordinator, and the way to it. */
export type Target = {
  readonly url: URL
  readonly place: Place
  readonly route: ProxyRoute | undefined
}

export function targetsOf(urls: readonly string[], { dial }: Pick<DoctorOptions, 'dial'>): readonly Target[] {
  return urls.map((text) => {
    const url = new URL(text)
    return { url, place: placeOf(url), route: proxyFor(url, dial.proxy) }
  })
}

/** Where the client itself goes: to the proxy, where there is one. */
const nextOf = ({ place, route }: Target): Place => (route === undefined ? place : placeOf(route.url))

/** The name that the client has to resolve; a proxy resolves the coordinator's. */
export async function checkName(targets: readonly Target[], { limits, clock }: DoctorOptions): Promise<Finding> {
  const hosts = new Map(targets.map((target) => [nextOf(target).host, target]))
  const parts = [...hosts].map(async ([host, { route }]): Promise<Part> => {
    const by = route === undefined ? '' : ' (the proxy; it resolves the coordinator’s name)'
    if (isIP(host) !== 0) return { at: host, finding: ok(`is an address${by}`) }
    const began = clock.monotonic()
    try {
      const found = await within(lookup(host, { all: true }), patienceFor(limits.handshakeMs))
      const addresses = found.map(({ address }) => address)
      const finding = ok(`${addresses.join(', ')}${by}`, { addresses: addresses.join(' '), ms: since(began, clock) })
      return { at: host, finding }
    } catch (cause) {
      const code = route === undefined ? 'session.unreachable' : 'proxy.unreachable'
      const error = new ParleyError(code, `the name is not resolved: ${ParleyError.from(cause).message}`)
      return { at: host, finding: failed(error, 'check the name, and the resolver (DNS) of this machine') }
    }
  })
  return anyOf(await Promise.all(parts))
}

/** TCP to the coordinator, or to the proxy. */
export async function checkPort(targets: readonly Target[], { limits, clock }: DoctorOptions): Promise<Finding> {
  const places = new Map(targets.map((target) => [nameOf(nextOf(target)), target]))
  const parts = [...places].map(async ([at, target]): Promise<Part> => {
    const began = clock.monotonic()
    try {
      const socket = await openSocket(nextOf(target), undefined, patienceFor(limits.handshakeMs))
      socket.destroy()
      const ms = since(began, clock)
      return { at, finding: ok(`open, ${ms} ms`, { ms }) }
    } catch (failure) {
      const code = target.route === undefined ? 'session.unreachable' : 'proxy.unreachable'
      const { port } = nextOf(target)
      return {
        at,
        finding: failed(
          new ParleyError(code, ParleyError.from(failure).message),
          `have the firewall let this machine out to port ${port} of that host (TCP); nothing has to come in`,
        ),
      }
    }
  })
  return anyOf(await Promise.all(parts))
}

export async function checkProxyWay(
  targets: readonly Target[],
  { limits, clock, dial }: DoctorOptions,
): Promise<Finding> {
  const through = new Map(
    targets.flatMap((target) => (target.route === undefined ? [] : [[nameOf(target.place), target] as const])),
  )
  if (through.size === 0) return ok('none, the way is direct', { proxy: false })
  const parts = [...through].map(async ([name, { place, route }]): Promise<Part> => {
    const at = `${route === undefined ? '' : proxyName(route)} to ${name}`
    const began = clock.monotonic()
    try {
      const way = route && { ...route, trust: dial.tls ?? {} }
      const socket = await openSocket(place, way, patienceFor(limits.handshakeMs))
      socket.destroy()
      const ms = since(began, clock)
      return { at, finding: ok(`goes through, ${ms} ms`, { proxy: true, ms }) }
    } catch (failure) {
      return { at, finding: failed(failure) }
    }
  })
  return anyOf(await Promise.all(parts))
}

export const nameOf = ({ host, port }: Place) => hostPort(host, port)

export function since(began: number, clock: DoctorOptions['clock']): number {
  return Math.round(clock.monotonic() - began)
}

function within<Value>(work: Promise<Value>, patience: Patience): Promise<Value> {
  return new Promise((resolve, reject) => {
    patience.signal.addEventListener('abort', () => reject(new Error(whyGivenUp(patience))), { once: true })
    work.then(resolve, reject)
  })
}
