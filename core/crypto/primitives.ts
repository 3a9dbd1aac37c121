/**
 * The cryptographic standards that Parley uses, as a set of pure functions that is passed in. Two implementations give
 * the same bytes: `nodeCrypto` (node:crypto) and `portableCrypto` (tweetnacl and noble, for browsers).
 *
 * SHA-256 (FIPS 180-4), HKDF-SHA-256 (RFC 5869), Ed25519 (RFC 8032), X25519 (RFC 7748), AES-256-GCM (NIST SP 800-38D),
 * AES-256-CTR (NIST SP 800-38A).
 */
export interface Crypto {
  sha256(bytes: Uint8Array): Uint8Array
  hasher(): Hasher
  /** `length` bytes, at most 8160. */
  hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  /** From the system's cryptographic generator. */
  randomBytes(length: number): Uint8Array
  /** An Ed25519 signing key from its 32-byte seed. */
  signingKey(seed: Uint8Array): SigningKey
  /** False for a wrong signature and for anything that is not a public key or a signature. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** An X25519 key from its 32-byte secret. */
  agreementKey(secret: Uint8Array): AgreementKey
  /**
   * Ciphertext followed by the 16-byte tag, written to `into`, which has that length; `plain` may be its beginning. Key 32 bytes, nonce 12 bytes, never
   * used twice with one key.
   */
  sealAead(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array, into: Uint8Array): void
  /** The plain bytes, or undefined when the tag does not fit. */
  openAead(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
  /**
   * The keystream of AES-256-CTR from counter block `block` on (an integer from 0, big-endian in the 16 bytes; default 0).
   * Key 32 bytes, for nothing else.
   */
  keystream(key: Uint8Array, block?: number): Keystream
}

export interface Keystream {
  /** The next `length` bytes. They hold until the next call of this stream; pieces of about 64 KiB are the fastest. */
  next(length: number): Uint8Array
}

export interface Hasher {
  update(bytes: Uint8Array): void
  /** May be called once. */
  digest(): Uint8Array
}

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

export interface AgreementKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** The 32-byte shared secret, or undefined for a public key of small order, which would make it known to everybody. */
  agree(publicKey: Uint8Array): Uint8Array | undefined
}

export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
export const TAG_BYTES = 16
export const NONCE_BYTES = 12
export const BLOCK_BYTES = 16

/** Counter block number `block` of AES-CTR. */
export function counterBlock(block: number): Uint8Array {
  const out = new Uint8Array(BLOCK_BYTES)
  new DataView(out.buffer).setBigUint64(BLOCK_BYTES - 8, BigInt(block))
  return out
}
