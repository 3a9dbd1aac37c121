import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { ParleyError } from '../../core/errors/index.ts'

/** Parameters of scrypt (RFC 7914). A hash takes 128·N·r bytes of memory. */
export type PasswordCost = { readonly N: number; readonly r: number; readonly p: number }

/** One of the settings of the OWASP Password Storage Cheat Sheet: 64 MiB, and some 0.4 s of one processor. */
export const PASSWORD_COST: PasswordCost = { N: 2 ** 16, r: 8, p: 2 }

export const PASSWORD_MIN = 12
const PASSWORD_MAX = 1_000
const HASH_BYTES = 32
const SALT_BYTES = 16

/** Hashes that are computed at once, which bounds the memory they take; and those that may wait for it. */
const AT_ONCE = 2
const WAITING = 32

/** Throws `auth.password-weak`. No rules of composition: NIST SP 800-63B, section 5.1.1.2, advises against them. */
export function checkPassword(password: string, name: string): void {
  const { length } = [...password.normalize('NFKC')]
  const weak = (why: string) => new ParleyError('auth.password-weak', why)
  if (length < PASSWORD_MIN) throw weak(`a password has at least ${PASSWORD_MIN} characters`)
  if (length > PASSWORD_MAX) throw weak(`a password has at most ${PASSWORD_MAX} characters`)
  if (password.toLowerCase() === name.toLowerCase()) throw weak('the name is no password')
}

/** A password for somebody's first login: 100 bits in groups of letters and digits that are not taken for each other. */
export function initialPassword(): string {
  return randomText(5, 4)
}

/** Groups of four characters of 5 bits each. */
export function randomText(groups: number, size: number): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
  const bytes = randomBytes(groups * size)
  const letters = Array.from(bytes, (byte) => alphabet[byte % alphabet.length] ?? '')
  return Array.from({ length: groups }, (_, i) => letters.slice(i * size, (i + 1) * size).join('')).join('-')
}

/** Hashes and compares passwords, a few at a time. */
export class Passwords {
  readonly #cost: PasswordCost
  /** What a password is compared with where there is nobody: it costs the same. */
  readonly #nobody: string
  readonly #queue: (() => void)[] = []
  #running = 0

  constructor(cost: PasswordCost = PASSWORD_COST) {
    this.#cost = cost
    this.#nobody = written(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))
  }

  /** `scrypt$N$r$p$salt$hash`. Throws `auth.too-often` where too many wait. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    return written(this.#cost, salt, await this.#derive(password, salt, this.#cost))
  }

  /** In constant time; without a hash as long as with one, and false. Throws `auth.too-often` where too many wait. */
  async matches(password: string, hash: string | undefined): Promise<boolean> {
    const { cost, salt, expected } = read(hash ?? this.#nobody)
    const derived = await this.#derive(password, salt, cost)
    return timingSafeEqual(derived, expected) && hash !== undefined
  }

  /** Whether a hash was made with other parameters than are used now. */
  outdated(hash: string): boolean {
    const { cost } = read(hash)
    return cost.N !== this.#cost.N || cost.r !== this.#cost.r || cost.p !== this.#cost.p
  }

  async #derive(password: string, salt: Uint8Array, { N, r, p }: PasswordCost): Promise<Buffer> {
    await this.#turn()
    try {
      const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r }
      return await new Promise<Buffer>((resolve, reject) => {
        scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (failure, key) =>
          failure === null ? resolve(key) : reject(failure),
        )
      })
    } finally {
      this.#running--
      this.#queue.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) {
      if (this.#queue.length >= WAITING) throw new ParleyError('auth.too-often', 'too many logins at once')
      await new Promise<void>((resolve) => this.#queue.push(resolve))
    }
    this.#running++
  }
}

function written({ N, r, p }: PasswordCost, salt: Uint8Array, hash: Uint8Array): string {
  return ['scrypt', N, r, p, Buffer.from(salt).toString('hex'), Buffer.from(hash).toString('hex')].join('$')
}

function read(text: string): { readonly cost: PasswordCost; readonly salt: Buffer; readonly expected: Buffer } {
  const [, N, r, p, salt, hash] =
    /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([0-9a-f]{32})\$([0-9a-f]{64})$/.exec(text) ?? []
  if (salt === undefined || hash === undefined) throw new ParleyError('store.corrupt', 'the hash of a password')
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  return { cost, salt: Buffer.from(salt, 'hex'), expected: Buffer.from(hash, 'hex') }
}
