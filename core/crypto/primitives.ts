/**
 * The cryptographic standards that Parley uses, as a set of pure functions that is passed in. Two implementations give
 * the same bytes: `nodeCrypto` (node:crypto) and `portableCrypto` (tweetnacl and noble, for browsers).
 *
 * SHA-256 (FIPS 180-4), HKDF-SHA-256 (RFC 5869), Ed25519 (RFC 8032), X25519 (RFC 7748), AES-256-GCM (NIST SP 800-38D).
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
