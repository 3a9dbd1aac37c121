const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Strict UTF-8; throws a TypeError on anything else. */
export function fromUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}

/** The hex of every byte. */
const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (let i = 0; i < bytes.length; i++) out += pairs[bytes[i] as number]
  return out
}

/** Bytes of lower-case hex, or undefined when `text` is not that. */
export function fromHex(text: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) return undefined
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = 16 * nibble(text.charCodeAt(2 * i)) + nibble(text.charCodeAt(2 * i + 1))
  return out
}

/** The value of a lower-case hexadecimal digit. */
function nibble(code: number): number {
  return code < 97 ? code - 48 : code - 87
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const letters = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0))
const PADDING = 61
/** The value of a letter, by its code; 255 for what is none. */
const values = new Uint8Array(256).fill(255)
for (const [value, letter] of letters.entries()) values[letter] = value
const ascii = new TextDecoder('latin1')

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(4 * Math.ceil(bytes.length / 3)).fill(PADDING)
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from
    const three = ((bytes[from] as number) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0)
    out[to] = letters[three >> 18] as number
    out[to + 1] = letters[(three >> 12) & 63] as number
    if (left > 1) out[to + 2] = letters[(three >> 6) & 63] as number
    if (left > 2) out[to + 3] = letters[three & 63] as number
  }
  return ascii.decode(out)
}

/** Bytes of standard base64, or undefined when `text` is not the canonical encoding of anything. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const out = new Uint8Array((text.length / 4) * 3 - padding)
  const end = text.length - padding
  for (let from = 0, to = 0; from < end; from += 4, to += 3) {
    let four = 0
    for (let k = 0; k < 4; k++) {
      const code = from + k < end ? text.charCodeAt(from + k) : -1
      const value = code < 0 ? 0 : code < 256 ? (values[code] as number) : 255
      if (value === 255) return undefined
      four = (four << 6) | value
    }
    // Bits that no byte has a place for are zero in the canonical encoding.
    const spare = end - from === 2 ? four & 0xffff : end - from === 3 ? four & 0xff : 0
    if (spare !== 0) return undefined
    out[to] = four >> 16
    if (to + 1 < out.length) out[to + 1] = (four >> 8) & 255
    if (to + 2 < out.length) out[to + 2] = four & 255
  }
  return out
}

/** The float32 values in little-endian bytes. A view where the alignment allows it, else a copy. */
export function float32View(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
  return new Float32Array(bytes.slice().buffer, 0, bytes.byteLength >> 2)
}

/** The little-endian bytes of float32 values: a view. */
export function bytesView(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
