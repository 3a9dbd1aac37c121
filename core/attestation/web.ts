/** The verifier of release keys on WebCrypto, for browsers. It takes and refuses what `node.ts` takes and refuses. */
import { toHex } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { derOfPem } from './pem.ts'
import type { EcdsaCurve, EcdsaVerifier } from './ports.ts'

type CurveFacts = {
  readonly curve: EcdsaCurve
  readonly hash: string
  /** Bytes of a coordinate and of each half of a signature: ⌈bits of the field / 8⌉. */
  readonly bytes: number
  /** The SubjectPublicKeyInfo up to the coordinates of an uncompressed point (RFC 5480, section 2), in hex. */
  readonly prefix: string
}

const curves: readonly CurveFacts[] = [
  {
    curve: 'P-256',
    hash: 'SHA-256',
    bytes: 32,
    prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004',
  },
  {
    curve: 'P-384',
    hash: 'SHA-384',
    bytes: 48,
    prefix: '3076301006072a8648ce3d020106052b8104002203620004',
  },
  {
    curve: 'P-521',
    hash: 'SHA-512',
    bytes: 66,
    prefix: '30819b301006072a8648ce3d020106052b810400230381860004',
  },
]

type Imported = { readonly key: Parameters<Subtle['verify']>[1]; readonly facts: CurveFacts }
type Subtle = typeof globalThis.crypto.subtle

/** Undefined too for a point that is not on the curve: the import refuses it. Compressed points are not taken. */
async function imported(pem: string): Promise<Imported | undefined> {
  const der = derOfPem(pem, 'PUBLIC KEY')
  if (der === undefined) return undefined
  const facts = curves.find(
    ({ prefix, bytes }) =>
      der.length === prefix.length / 2 + 2 * bytes && toHex(der.subarray(0, prefix.length / 2)) === prefix,
  )
  if (facts === undefined) return undefined
  const algorithm = { name: 'ECDSA', namedCurve: facts.curve }
  try {
    return { key: await subtle().importKey('spki', new Uint8Array(der), algorithm, false, ['verify']), facts }
  } catch (failure) {
    if (failure instanceof ParleyError) throw failure
    return undefined
  }
}

/** Throws `config.insecure` on a page in clear text, where browsers have no WebCrypto: that is no fault of a signature. */
function subtle(): Subtle {
  const found: Subtle | undefined = globalThis.crypto?.subtle
  if (found === undefined) throw new ParleyError('config.insecure', 'WebCrypto is only there on pages over HTTPS')
  return found
}

export const webEcdsa: EcdsaVerifier = {
  curveOf: async (pem) => (await imported(pem))?.facts.curve,

  async verify({ publicKeyPem, message, signatureDer }) {
    const found = await imported(publicKeyPem)
    if (found === undefined) return false
    const { key, facts } = found
    const signature = rawSignature(signatureDer, facts.bytes)
    if (signature === undefined) return false
    return subtle().verify({ name: 'ECDSA', hash: facts.hash }, key, signature, new Uint8Array(message))
  },
}

/**
 * r‖s, each of `bytes` bytes, of an ECDSA signature in DER (SEQUENCE of two INTEGERs, RFC 3279, section 2.2.3); undefined
 * for anything but the one encoding that DER (X.690) has for two positive integers of that size.
 */
export function rawSignature(der: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> | undefined {
  const sequence = element(der, 0, 0x30)
  if (sequence === undefined || sequence.end !== der.length) return undefined
  const r = element(der, sequence.begin, 0x02)
  const s = r === undefined ? undefined : element(der, r.end, 0x02)
  if (r === undefined || s === undefined || s.end !== der.length) return undefined
  const raw = new Uint8Array(2 * bytes)
  for (const [half, { begin, end }] of [r, s].entries()) {
    const integer = positive(der.subarray(begin, end))
    if (integer === undefined || integer.length > bytes) return undefined
    raw.set(integer, (half + 1) * bytes - integer.length)
  }
  return raw
}

type Element = { readonly begin: number; readonly end: number }

/** The content of the element at an offset: its tag, its length in the shortest form, all of it there. */
function element(der: Uint8Array, at: number, tag: number): Element | undefined {
  const [found, first, second] = [der[at], der[at + 1], der[at + 2]]
  if (found !== tag || first === undefined) return undefined
  // 0x81 is the form for 128 to 255; nothing of a signature is longer.
  const long = first === 0x81
  const length = long ? second : first
  if (length === undefined || (long ? length < 0x80 : length >= 0x80)) return undefined
  const begin = at + (long ? 3 : 2)
  return begin + length <= der.length ? { begin, end: begin + length } : undefined
}

/** The digits of a positive INTEGER without the zero that keeps it positive; undefined for 0, negative and padded ones. */
function positive(integer: Uint8Array): Uint8Array | undefined {
  const [first, second] = integer
  if (first === undefined || first >= 0x80) return undefined
  if (first !== 0) return integer
  return second !== undefined && second >= 0x80 ? integer.subarray(1) : undefined
}
