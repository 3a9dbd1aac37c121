/** The ports of evidence on `node:crypto`. Beside `core/crypto/node.ts` the only file in core/ that names a Node module. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import { ParleyError } from '../errors/index.ts'
import { type CertificateUses, certificateUses } from './certificate-uses.ts'
import { derOfPem, publicKeyPem } from './pem.ts'
import type { CertificateVerifier, EcdsaCurve, EcdsaVerifier, ReleaseSigner } from './ports.ts'

const curves: { readonly [name: string]: EcdsaCurve } = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}
const hashes: Record<EcdsaCurve, string> = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' }

/** Undefined for explicit parameters too, which have no name: a curve is what its name says. */
function curveOfKey(key: KeyObject): EcdsaCurve | undefined {
  return key.asymmetricKeyType === 'ec' ? curves[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined
}

function publicKey(pem: string): { key: KeyObject; curve: EcdsaCurve } | undefined {
  // A private key or a certificate is not taken for the public key in it.
  const normal = publicKeyPem(pem)
  if (normal === undefined) return undefined
  try {
    const key = createPublicKey(normal)
    const curve = curveOfKey(key)
    return curve === undefined ? undefined : { key, curve }
  } catch {
    return undefined
  }
}

export const nodeEcdsa: EcdsaVerifier = {
  curveOf: async (pem) => publicKey(pem)?.curve,

  async verify({ publicKeyPem: pem, message, signatureDer }) {
    const found = publicKey(pem)
    if (found === undefined) return false
    try {
      return verify(hashes[found.curve], message, { key: found.key, dsaEncoding: 'der' }, signatureDer)
    } catch {
      return false
    }
  },
}

/** A release key from its private PEM (PKCS #8 or SEC 1). Throws `config.invalid`, without a word of the key. */
export function nodeReleaseSigner(privateKeyPem: string, passphrase?: string): ReleaseSigner {
  const key = privateKeyOf(privateKeyPem, passphrase)
  const curve = curveOfKey(key)
  if (curve === undefined) throw new ParleyError('config.invalid', 'a release key is ECDSA on P-256, P-384 or P-521')
  return {
    publicKeyPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
    sign: async (message) => new Uint8Array(sign(hashes[curve], message, { key, dsaEncoding: 'der' })),
  }
}

/** The private PEM (PKCS #8) of a new release key on P-256. */
export function newReleaseKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function privateKeyOf(pem: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    throw new ParleyError('config.invalid', 'the release key cannot be read; is its passphrase right?')
  }
}

/** Longer chains are not read. */
const LONGEST_CHAIN = 10

type Certificate = { readonly x509: X509Certificate; readonly uses: CertificateUses; readonly name: string }

/**
 * Goes from the leaf, each certificate issued by the next (name, key identifier, signature), to one that a configured
 * anchor issued, or that is one. All are valid at the time; authorities may sign certificates and have room for what is
 * below them; the leaf may sign. Names are never constrained: that extension is critical, and so refused.
 */
export const nodeCertificates: CertificateVerifier = {
  async verifyChain({ certificates, anchors, at }) {
    try {
      if (certificates.length > LONGEST_CHAIN) return { problem: `the chain is longer than ${LONGEST_CHAIN}` }
      const chain = certificates.map((der, i) => certificate(der, i === 0 ? 'the leaf' : `certificate ${i + 1}`))
      const problem = chainProblem(chain, anchors.map(anchor), at)
      if (problem !== undefined) return { problem }
      const key = chain[0]?.x509.publicKey
      if (key === undefined || curveOfKey(key) === undefined) return { problem: 'the leaf has no key on a known curve' }
      return { publicKeyPem: key.export({ type: 'spki', format: 'pem' }).toString() }
    } catch (failure) {
      return { problem: failure instanceof Error ? failure.message : String(failure) }
    }
  },
}

function certificate(der: Uint8Array, name: string): Certificate {
  return { x509: new X509Certificate(der), uses: certificateUses(der), name }
}

function anchor(pem: string, i: number): Certificate {
  const der = derOfPem(pem, 'CERTIFICATE')
  if (der === undefined) throw new RangeError(`trust anchor ${i + 1} is not a certificate in PEM`)
  return certificate(der, `trust anchor ${i + 1}`)
}

function chainProblem(chain: readonly Certificate[], anchors: readonly Certificate[], at: number): string | undefined {
  const [leaf] = chain
  if (leaf === undefined) return 'there is no certificate'
  const use = timeProblem(leaf, at) ?? leafProblem(leaf)
  if (use !== undefined) return use
  for (const [below, one] of chain.entries()) {
    if (anchors.some(({ x509 }) => x509.raw.equals(one.x509.raw))) return undefined
    const next = chain[below + 1]
    if (next === undefined) return anchorProblem(one, anchors, below, at)
    if (!issued(next, one)) return `${one.name} was not issued by the next of the chain`
    const problem = timeProblem(next, at) ?? authorityProblem(next, below)
    if (problem !== undefined) return problem
  }
  return undefined
}

function anchorProblem(last: Certificate, anchors: readonly Certificate[], below: number, at: number) {
  const issuer = anchors.find((candidate) => issued(candidate, last))
  if (issuer === undefined) return `no configured trust anchor issued ${last.name}`
  return timeProblem(issuer, at) ?? authorityProblem(issuer, below)
}

function issued(issuer: Certificate, subject: Certificate): boolean {
  return subject.x509.checkIssued(issuer.x509) && subject.x509.verify(issuer.x509.publicKey)
}

function timeProblem({ x509, uses, name }: Certificate, at: number): string | undefined {
  if (uses.unknownCritical.length > 0) return `${name} has a critical extension that is not known here`
  if (!(at >= Date.parse(x509.validFrom))) return `${name} is not valid before ${x509.validFrom}`
  return at <= Date.parse(x509.validTo) ? undefined : `${name} is not valid after ${x509.validTo}`
}

function leafProblem({ uses }: Certificate): string | undefined {
  const { keyUsage, codeSigning } = uses
  const may = keyUsage?.digitalSignature ?? codeSigning ?? false
  return may && codeSigning !== false ? undefined : 'the leaf may not be used to sign'
}

function authorityProblem({ uses, name }: Certificate, authoritiesBelow: number): string | undefined {
  if (!uses.authority || uses.keyUsage?.certificateSigning === false) return `${name} is not an authority`
  const { pathLength = authoritiesBelow } = uses
  return authoritiesBelow <= pathLength ? undefined : `${name} has too many authorities below it`
}
