import { isIPv6 } from 'node:net'
import { ParleyError } from '../../core/errors/index.ts'

type Rule = {
  /** Failures that cost no time. */
  readonly free: number
  /** What the next one costs; each after it twice as much. */
  readonly firstMs: number
  readonly mostMs: number
}

const perMember: Rule = { free: 5, firstMs: 1_000, mostMs: 5 * 60_000 }
const perAddress: Rule = { free: 20, firstMs: 1_000, mostMs: 15 * 60_000 }
/** Without a failure for so long, all is forgotten. */
const FORGET_MS = 60 * 60_000
const ENTRIES = 20_000
const KNOWN_ADDRESSES = 8

export type Attempt = {
  /** Of this name, from where it is tried, this one included as long as it has not succeeded. */
  readonly failures: number
  readonly succeeded: () => void
}

type Entry = { readonly failures: number; readonly at: number }

/**
 * Slows down who guesses passwords and codes: per address, and per name. Failures from an address from which the member has
 * logged in before are counted apart, so that nobody elsewhere can lock the member out there; from other addresses it is locked out for
 * five minutes at most at a time. An attempt counts as failed from its beginning, so that many at once gain nothing.
 */
export class Throttle {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry>()
  readonly #known = new Map<string, readonly string[]>()

  /** Milliseconds from any start, which never go back. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts an attempt. Throws `auth.too-often`, with `retryAfterMs`, and then counts nothing. */
  begin(name: string, address: string): Attempt {
    const group = addressGroup(address)
    const byName = `name ${name} ${this.#known.get(name)?.includes(group) === true ? group : 'elsewhere'}`
    const byAddress = `address ${group}`
    const wait = Math.max(this.#wait(byName, perMember), this.#wait(byAddress, perAddress))
    if (wait > 0) {
      throw new ParleyError('auth.too-often', `try again in ${Math.ceil(wait / 1_000)} s`, {
        details: { retryAfterMs: Math.ceil(wait) },
      })
    }
    this.#add(byName, 1)
    this.#add(byAddress, 1)
    return {
      failures: this.#entry(byName).failures,
      succeeded: () => {
        this.#entries.delete(byName)
        // Who has an account of its own does not win guesses at others by it.
        this.#add(byAddress, -1)
        const known = (this.#known.get(name) ?? []).filter((one) => one !== group)
        this.#known.set(name, [...known, group].slice(-KNOWN_ADDRESSES))
      },
    }
  }

  #wait(key: string, { free, firstMs, mostMs }: Rule): number {
    const { failures, at } = this.#entry(key)
    if (failures < free) return 0
    return at + Math.min(mostMs, firstMs * 2 ** Math.min(failures - free, 30)) - this.#now()
  }

  #entry(key: string): Entry {
    const entry = this.#entries.get(key)
    return entry === undefined || this.#now() - entry.at > FORGET_MS ? { failures: 0, at: this.#now() } : entry
  }

  #add(key: string, count: number): void {
    const { failures, at } = this.#entry(key)
    // The newest stands last; the oldest goes when there is no room.
    this.#entries.delete(key)
    this.#entries.set(key, { failures: Math.max(0, failures + count), at: count > 0 ? this.#now() : at })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES) return
      this.#entries.delete(oldest)
    }
  }
}

/** One subscriber has 2^64 addresses of IPv6: the first four groups count. */
function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const after = tail === undefined ? [] : groups(tail)
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - after.length
  const all = [...groups(head), ...Array<string>(Math.max(0, zeros)).fill('0'), ...after]
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}
