import { createHmac, timingSafeEqual } from 'node:crypto'

/** Time-based one-time passwords (RFC 6238 over RFC 4226): HMAC-SHA-1, as the programs on telephones have it. */
export const STEP_MS = 30_000
export const SECRET_BYTES = 20
const DIGITS = 6
/** Steps before and after the present one whose codes are taken: clocks differ, and people type slowly. */
const WINDOW = 1

/** The code of a time step, 30 s since the epoch each. */
export function totpCode(secret: Uint8Array, step: number, digits: number = DIGITS): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const offset = (mac[mac.length - 1] ?? 0) & 0x0f
  const value = mac.readUInt32BE(offset) & 0x7fff_ffff
  return String(value % 10 ** digits).padStart(digits, '0')
}

export function stepAt(now: number): number {
  return Math.floor(now / STEP_MS)
}

/** The step whose code this is, if it is a present one and later than `last`, the newest that was taken: no code counts twice. */
export function acceptedStep(secret: Uint8Array, code: string, now: number, last: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined
  const present = stepAt(now)
  let accepted: number | undefined
  for (let step = present - WINDOW; step <= present + WINDOW; step++) {
    const same = timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code))
    if (same && step > last) accepted ??= step
  }
  return accepted
}

/** What programs on telephones read from a QR code (Key URI format of Google Authenticator). */
export function otpauthUri(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=6&period=30`
}

/** RFC 4648, section 6, without padding. */
export function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let out = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += alphabet[(held >>> bits) & 31] ?? ''
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? out : out + (alphabet[(held << (5 - bits)) & 31] ?? '')
}
