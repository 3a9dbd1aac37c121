import { isIPv6 } from 'node:net'
import { ParleyError } from '../../core/errors/index.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'

export type AdmissionLimits = Pick<Limits, 'connections' | 'unauthenticatedConnections' | 'connectionsPerAddress'>

/** The right to hold one connection open. Both members may be called twice. */
export type Ticket = {
  /** The peer has proved who it is: it no longer counts among the strangers. */
  authenticated(): void
  release(): void
}

/** Counts open connections over all carriers of a coordinator. */
export type Admission = {
  /** @returns a ticket, or `session.too-many`, which says in its details which limit was met. */
  admit(remote: string): Ticket | ParleyError
  readonly open: number
  readonly unauthenticated: number
}

export function createAdmission(limits: AdmissionLimits = defaultLimits): Admission {
  const perAddress = new Map<string, number>()
  let open = 0
  let unauthenticated = 0

  const admit = (remote: string): Ticket | ParleyError => {
    const key = addressKey(remote)
    const fromThere = perAddress.get(key) ?? 0
    if (open >= limits.connections) return refused('connections', limits.connections)
    if (unauthenticated >= limits.unauthenticatedConnections) {
      return refused('unauthenticatedConnections', limits.unauthenticatedConnections)
    }
    if (fromThere >= limits.connectionsPerAddress) {
      return refused('connectionsPerAddress', limits.connectionsPerAddress)
    }
    open++
    unauthenticated++
    perAddress.set(key, fromThere + 1)
    let stranger = true
    let held = true
    const authenticated = () => {
      if (stranger) unauthenticated--
      stranger = false
    }
    const release = () => {
      authenticated()
      if (!held) return
      held = false
      open--
      const left = (perAddress.get(key) ?? 1) - 1
      if (left === 0) perAddress.delete(key)
      else perAddress.set(key, left)
    }
    return { authenticated, release }
  }

  return {
    admit,
    get open() {
      return open
    },
    get unauthenticated() {
      return unauthenticated
    },
  }
}

function refused(limit: keyof AdmissionLimits, value: number): ParleyError {
  return new ParleyError('session.too-many', `too many connections: the limit ${limit} is ${value}`, {
    details: { limit, value },
  })
}

/**
 * What counts as one address: an IPv4 address (also when written in IPv6), or the /64 network of an IPv6 address, since
 * one subscriber commonly commands all addresses of such a network.
 */
export function addressKey(remote: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remote)
  if (mapped?.[1] !== undefined) return mapped[1]
  const bare = remote.replace(/%.*$/, '')
  if (!isIPv6(bare)) return remote
  const [left = '', right] = bare.split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
