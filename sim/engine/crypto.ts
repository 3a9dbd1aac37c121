import { nodeCrypto } from '../../core/crypto/node.ts'
import {
  type Crypto,
  type Hasher,
  KEY_BYTES,
  SIGNATURE_BYTES,
  type SigningKey,
  TAG_BYTES,
} from '../../core/crypto/primitives.ts'
import { equalBytes, utf8 } from '../../core/encoding/bytes.ts'
import { type Random, randomOf } from '../../core/random/random.ts'

/** Bytes of which every one goes into a digest; of longer ones a sample does. */
const WHOLE = 4096

/**
 * The shape of the cryptography without its strength, for simulations: nothing is secret between clients of one process,
 * and the arithmetic of thousands of signatures and ciphers would be most of what a simulation does. Randomness comes from
 * a seed, so that a run can be repeated. Never to be used on a wire.
 */
export function insecureSimulationCrypto(seed: number): Crypto {
  const random = randomOf(seed, 'crypto')
  return {
    sha256: (bytes) => nodeCrypto.sha256(bytes),
    hasher: () => new SamplingHasher(),
    hkdf: (secret, salt, info, length) => mixed(length, secret, salt, info),
    randomBytes: (length) => bytesOf(random, length),
    signingKey: insecureKey,
    verify: (publicKey, message, signature) => equalBytes(signature, signatureOf(publicKey, message)),
    agreementKey: (secret) => {
      const publicKey = mixed(KEY_BYTES, agreement, secret)
      return { publicKey, agree: (peer) => sharedSecret(publicKey, peer) }
    },
    sealAead: (key, nonce, _associated, plain, into) => {
      // An update is sealed where it lies.
      if (plain.buffer !== into.buffer || plain.byteOffset !== into.byteOffset) into.set(plain)
      into.set(tagOf(key, nonce), plain.length)
    },
    openAead: (key, nonce, _associated, sealed) => {
      const length = sealed.length - TAG_BYTES
      if (length < 0 || !equalBytes(sealed.subarray(length), tagOf(key, nonce))) return undefined
      return sealed.subarray(0, length)
    },
    keystream: (key, block) => nodeCrypto.keystream(key, block),
  }
}

function insecureKey(seed: Uint8Array): SigningKey {
  const publicKey = mixed(KEY_BYTES, signing, seed)
  return { publicKey, sign: (message) => signatureOf(publicKey, message) }
}

/** Anybody could make it: it only tells apart what was altered by accident. */
function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return mixed(SIGNATURE_BYTES, publicKey, message)
}

function sharedSecret(a: Uint8Array, b: Uint8Array): Uint8Array {
  return comesBefore(a, b) ? mixed(KEY_BYTES, a, b) : mixed(KEY_BYTES, b, a)
}

/** Whether the bytes are less than others of the same length. */
function comesBefore(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number)
  return false
}

const agreement = utf8('agreement')
const signing = utf8('signing')

/**
 * `length` bytes, a multiple of 4, that follow from all of the parts: two sums by FNV-1a with other primes, spread by the
 * finalizer of MurmurHash3. A tenth of the time of SHA-256 for what is a hundred bytes long.
 */
function mixed(length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let [a, b] = [0x811c9dc5, 0x9e3779b9]
  for (const part of parts) {
    a = Math.imul(a ^ part.length, 0x01000193)
    for (let i = 0; i < part.length; i++) {
      const byte = part[i] as number
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul(b ^ byte ^ (b >>> 15), 0x85ebca6b)
    }
  }
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 4) {
    const word = spread(a + Math.imul(at + 1, 0x9e3779b1)) ^ spread(b ^ at)
    out[at] = word
    out[at + 1] = word >>> 8
    out[at + 2] = word >>> 16
    out[at + 3] = word >>> 24
  }
  return out
}

function spread(word: number): number {
  let x = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

function tagOf(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const tag = new Uint8Array(TAG_BYTES)
  tag.set(key.subarray(0, TAG_BYTES))
  for (let i = 0; i < nonce.length; i++) tag[i] = (tag[i] as number) ^ (nonce[i] as number)
  return tag
}

function bytesOf(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

/** SHA-256 of the length and a sample of the bytes: an update's tag, which no other has, is always in it. */
class SamplingHasher implements Hasher {
  readonly #hash = nodeCrypto.hasher()

  update(bytes: Uint8Array): void {
    this.#hash.update(utf8(`${bytes.length}\n`))
    if (bytes.length <= WHOLE) return this.#hash.update(bytes)
    const half = WHOLE / 2
    this.#hash.update(bytes.subarray(0, half))
    this.#hash.update(bytes.subarray(bytes.length - half))
  }

  digest(): Uint8Array {
    return this.#hash.digest()
  }
}
