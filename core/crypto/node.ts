/** With `core/attestation/node.ts` the only file in core/ that names a Node module: programs on Node pass `nodeCrypto` where browsers pass `portableCrypto`. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { type Crypto, counterBlock, KEY_BYTES, SIGNATURE_BYTES, TAG_BYTES } from './primitives.ts'

type Curve = 'Ed25519' | 'X25519'

const base64url = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url')

// PKCS #8 prefix of RFC 8410 keys: a raw seed or secret becomes a key object without its public half being known.
const pkcs8Prefix: Record<Curve, string> = {
  Ed25519: '302e020100300506032b657004220420',
  X25519: '302e020100300506032b656e04220420',
}

function fromPkcs8(curve: Curve, secret: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from(pkcs8Prefix[curve], 'hex'), secret])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

/** A tenth of the time of `fromPkcs8`, which goes through every decoder of OpenSSL. `x`, the public half, is not known either. */
function fromJwk(curve: Curve, secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: { kty: 'OKP', crv: curve, d: base64url(secret), x: noKey }, format: 'jwk' })
}

const noKey = base64url(new Uint8Array(KEY_BYTES))

/** Node 20 works the public half out and does not read `x`; a Node that does anything else gets the slow form. */
let quick: boolean | undefined

function readsSecretAlone(): boolean {
  const secret = new Uint8Array(KEY_BYTES).fill(7)
  const publicHalf = (key: KeyObject) => Buffer.from(rawPublicKey(key)).toString('hex')
  try {
    return (['Ed25519', 'X25519'] as const).every(
      (curve) => publicHalf(fromJwk(curve, secret)) === publicHalf(fromPkcs8(curve, secret)),
    )
  } catch {
    return false
  }
}

function privateKey(curve: Curve, secret: Uint8Array): KeyObject {
  if (secret.length !== KEY_BYTES) throw new RangeError(`${curve} secrets have ${KEY_BYTES} bytes`)
  quick ??= readsSecretAlone()
  return quick ? fromJwk(curve, secret) : fromPkcs8(curve, secret)
}

/** How many public keys are remembered: to make one costs a third of its use, and the same ones come again and again. */
const MOST_KNOWN = 4_096

/** Makes key objects of raw public keys; undefined for what is none. The oldest are forgotten first. */
function publicKeys(curve: Curve): (raw: Uint8Array) => KeyObject | undefined {
  const known = new Map<string, KeyObject>()
  return (raw) => {
    if (raw.length !== KEY_BYTES) return undefined
    const x = base64url(raw)
    const found = known.get(x)
    if (found !== undefined) return found
    const made = publicKey(curve, x)
    if (made === undefined) return undefined
    const [oldest] = known.size < MOST_KNOWN ? [] : known.keys()
    if (oldest !== undefined) known.delete(oldest)
    known.set(x, made)
    return made
  }
}

function publicKey(curve: Curve, x: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: curve, x }, format: 'jwk' })
  } catch {
    return undefined
  }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url'))
}

/** With a memory of public keys of its own. */
export function createNodeCrypto(): Crypto {
  const keys = { Ed25519: publicKeys('Ed25519'), X25519: publicKeys('X25519') }
  return {
    sha256: (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer')),

    hasher() {
      const hasher = createHash('sha256')
      return { update: (bytes) => void hasher.update(bytes), digest: () => new Uint8Array(hasher.digest()) }
    },

    hkdf(secret, salt, info, length) {
      if (length > HASH_BYTES) return new Uint8Array(hkdfSync('sha256', secret, salt, info, length))
      // One block, RFC 5869 as it stands: half the time of the call above.
      const extracted = createHmac('sha256', salt).update(secret).digest()
      return new Uint8Array(createHmac('sha256', extracted).update(info).update(first).digest()).subarray(0, length)
    },

    randomBytes: (length) => new Uint8Array(randomBytes(length)),

    signingKey(seed) {
      const key = privateKey('Ed25519', seed)
      return { publicKey: rawPublicKey(key), sign: (message) => new Uint8Array(sign(null, message, key)) }
    },

    verify(raw, message, signature) {
      const key = keys.Ed25519(raw)
      return key !== undefined && signature.length === SIGNATURE_BYTES && verify(null, message, key, signature)
    },

    agreementKey(secret) {
      const own = privateKey('X25519', secret)
      return {
        publicKey: rawPublicKey(own),
        agree(raw) {
          const other = keys.X25519(raw)
          if (other === undefined) return undefined
          try {
            return new Uint8Array(diffieHellman({ privateKey: own, publicKey: other }))
          } catch {
            return undefined
          }
        },
      }
    },

    sealAead(key, nonce, associated, plain, into) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(associated)
      into.set(cipher.update(plain))
      cipher.final()
      into.set(cipher.getAuthTag(), plain.length)
    },

    openAead(key, nonce, associated, sealed) {
      if (sealed.length < TAG_BYTES) return undefined
      const end = sealed.length - TAG_BYTES
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(associated)
      decipher.setAuthTag(sealed.subarray(end))
      const plain = decipher.update(sealed.subarray(0, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      return plain
    },

    keystream(key, block = 0) {
      const cipher = createCipheriv('aes-256-ctr', key, counterBlock(block))
      return {
        next: (length) => cipher.update(length <= zeros.length ? zeros.subarray(0, length) : new Uint8Array(length)),
      }
    },
  }
}

export const nodeCrypto: Crypto = createNodeCrypto()

const HASH_BYTES = 32
/** The number of the first block of HKDF's output. */
const first = Uint8Array.of(1)

/** A keystream is what the cipher makes of nothing. */
const zeros = new Uint8Array(64 * 1024)
