import { KEY_BYTES } from '../crypto/primitives.ts'
import { fromHex } from '../encoding/bytes.ts'

/** The 32 bytes of a checked field of lower-case hex. RangeError for anything else. */
export function bytes32(hex: string): Uint8Array {
  const bytes = fromHex(hex)
  if (bytes?.length !== KEY_BYTES) throw new RangeError('32 bytes in lower-case hex are expected')
  return bytes
}

/** Little-endian encodings of the points of small order on Curve25519 and its twist, without the top bit (RFC 7748, section 7). */
const smallOrder = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** Whether an X25519 public key would make every shared secret zero. */
export function isSmallOrder(key: string): boolean {
  const last = Number.parseInt(key.slice(62), 16) & 0x7f
  return smallOrder.has(key.slice(0, 62) + last.toString(16).padStart(2, '0'))
}
