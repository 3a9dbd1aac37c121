import type { Crypto } from '../crypto/primitives.ts'
import { fromBase64, toBase64, toHex, utf8 } from '../encoding/bytes.ts'

/** Largest text that is searched for PEM blocks. */
const PEM_TEXT = 64 * 1024

/** The DER of the first PEM block of this label (RFC 7468), whatever text stands around it; undefined when there is none. */
export function derOfPem(text: string, label: string): Uint8Array | undefined {
  if (text.length > PEM_TEXT) return undefined
  const begin = `-----BEGIN ${label}-----`
  const from = text.indexOf(begin)
  const to = text.indexOf(`-----END ${label}-----`, from)
  if (from < 0 || to < 0) return undefined
  return fromBase64(text.slice(from + begin.length, to).replace(/\s/g, ''))
}

/** Lines of 64 characters, with a final newline. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** The same public key as every tool writes it, or undefined when the text holds none. */
export function publicKeyPem(text: string): string | undefined {
  const der = derOfPem(text, 'PUBLIC KEY')
  return der === undefined ? undefined : pemOf('PUBLIC KEY', der)
}

/** The `hint` of OMS: SHA-256, in hex, of the public key's PEM text with its final newline, not of its DER. */
export function keyHint(crypto: Pick<Crypto, 'sha256'>, pem: string): string {
  return toHex(crypto.sha256(utf8(pem)))
}
