import { nodeCrypto } from '../../core/crypto/node.ts'
import { type Crypto, type Hasher, SIGNATURE_BYTES, type SigningKey, TAG_BYTES } from '../../core/crypto/primitives.ts'
import { concatBytes, equalBytes, utf8 } from '../../core/encoding/bytes.ts'
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
    hkdf: (secret, salt, info, length) => stretched(concatBytes(secret, salt, info), length),
    randomBytes: (length) => bytesOf(random, length),
    signingKey: insecureKey,
    verify: (publicKey, message, signature) => equalBytes(signature, signatureOf(publicKey, message)),
    agreementKey: (secret) => {
      const publicKey = nodeCrypto.sha256(concatBytes(utf8('agreement'), secret))
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
  const publicKey = nodeCrypto.sha256(concatBytes(utf8('signing'), seed))
  return { publicKey, sign: (message) => signatureOf(publicKey, message) }
}

/** Anybody could make it: it only tells apart what was altered by accident. */
function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(SIGNATURE_BYTES)
  signature.set(nodeCrypto.sha256(concatBytes(publicKey, message)))
  return signature
}

function sharedSecret(a: Uint8Array, b: Uint8Array): Uint8Array {
  return nodeCrypto.sha256(comesBefore(a, b) ? concatBytes(a, b) : concatBytes(b, a))
}

/** Whether the bytes are less than others of the same length. */
function comesBefore(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number)
  return false
}

function stretched(seed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 32) {
    const block = nodeCrypto.sha256(concatBytes(seed, utf8(String(at))))
    out.set(block.subarray(0, Math.min(32, length - at)), at)
  }
  return out
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
