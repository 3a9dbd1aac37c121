import { ctr, gcm } from '@noble/ciphers/aes.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import nacl from 'tweetnacl'
import { BLOCK_BYTES, type Crypto, counterBlock, KEY_BYTES, SIGNATURE_BYTES, TAG_BYTES } from './primitives.ts'

/** The same standards as `nodeCrypto` in plain JavaScript, for browsers and wherever node:crypto is not. */
export const portableCrypto: Crypto = {
  sha256: (bytes) => sha256(bytes),

  hasher() {
    const hash = sha256.create()
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() }
  },

  hkdf: (secret, salt, info, length) => hkdf(sha256, secret, salt, info, length),

  randomBytes: (length) => nacl.randomBytes(length),

  signingKey(seed) {
    const pair = nacl.sign.keyPair.fromSeed(plain(seed))
    return { publicKey: pair.publicKey, sign: (message) => nacl.sign.detached(plain(message), pair.secretKey) }
  },

  verify(publicKey, message, signature) {
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
    return nacl.sign.detached.verify(plain(message), plain(signature), plain(publicKey))
  },

  agreementKey(secret) {
    const own = plain(secret)
    return {
      publicKey: nacl.scalarMult.base(own),
      agree(publicKey) {
        if (publicKey.length !== KEY_BYTES) return undefined
        const shared = nacl.scalarMult(own, plain(publicKey))
        return shared.every((byte) => byte === 0) ? undefined : shared
      },
    }
  },

  sealAead: (key, nonce, associated, bytes, into) => into.set(gcm(key, nonce, associated).encrypt(bytes)),

  openAead(key, nonce, associated, sealed) {
    if (sealed.length < TAG_BYTES) return undefined
    try {
      return gcm(key, nonce, associated).decrypt(sealed)
    } catch {
      return undefined
    }
  },

  keystream(key, block = 0) {
    let at = block * BLOCK_BYTES
    return {
      next(length) {
        const skip = at % BLOCK_BYTES
        const bytes = ctr(key, counterBlock((at - skip) / BLOCK_BYTES)).encrypt(new Uint8Array(skip + length))
        at += length
        return skip === 0 ? bytes : bytes.slice(skip)
      },
    }
  },
}

/** tweetnacl insists on Uint8Array itself; a Buffer is a subclass of it and becomes a view. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
