/**
 * What evidence needs from outside: signatures of release keys, certificates, a folder. The release key is ECDSA on a NIST
 * curve because OpenSSF Model Signing has no Ed25519; `node.ts` is the adapter on Node.
 */

/** The curve decides the hash: SHA-256, SHA-384, SHA-512 (what OpenSSF Model Signing's reference implementation does). */
export const ecdsaCurves = ['P-256', 'P-384', 'P-521'] as const
export type EcdsaCurve = (typeof ecdsaCurves)[number]

export interface EcdsaVerifier {
  /** Undefined when the text is not the SubjectPublicKeyInfo in PEM of a key on one of the curves. */
  curveOf(publicKeyPem: string): Promise<EcdsaCurve | undefined>
  /** `signatureDer`: ASN.1 DER, never r‖s. False for a wrong signature and for anything that is not a key or a signature. */
  verify(input: {
    readonly publicKeyPem: string
    readonly message: Uint8Array
    readonly signatureDer: Uint8Array
  }): Promise<boolean>
}

export interface ReleaseSigner {
  /** SubjectPublicKeyInfo in PEM, lines of 64 characters, with a final newline. */
  readonly publicKeyPem: string
  /** ECDSA over the hash that goes with the key's curve, in ASN.1 DER. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

export type CertificateChain = {
  /** DER, the leaf first, each issued by the next. */
  readonly certificates: readonly Uint8Array[]
  /** PEM. Nothing else is an anchor, whatever names the chain bears. */
  readonly anchors: readonly string[]
  /** Milliseconds since the epoch at which every certificate must be valid. */
  readonly at: number
}

export interface CertificateVerifier {
  /** The leaf's public key in PEM, or why the chain is not to be trusted. Revocation is not looked up. */
  verifyChain(chain: CertificateChain): Promise<{ readonly publicKeyPem: string } | { readonly problem: string }>
}

export type FolderEntry = {
  /** Relative to the folder, with `/`. */
  readonly path: string
  /** Symbolic links are not followed, to directories neither; `other` is a device, a pipe, or a name that is not Unicode. */
  readonly kind: 'file' | 'directory' | 'symlink' | 'other'
}

export interface FolderReader {
  /** Everything in the folder at any depth, in any order, but for the paths to be skipped and what is below them. */
  list(skip: (path: string) => boolean): Iterable<FolderEntry> | AsyncIterable<FolderEntry>
  /** The bytes of a file, in pieces of any size. Called once for each file. */
  open(path: string): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}
