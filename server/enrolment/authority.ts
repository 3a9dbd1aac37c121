import 'reflect-metadata'
import { createHash, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'

x509.cryptoProvider.set(webcrypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const AUTHORITY_YEARS = 10
const YEAR_MS = 365 * 24 * 3_600_000
/** Clocks that are a little behind must not find a certificate too young. */
const BACKDATED_MS = 5 * 60_000

/** A private key in PKCS #8, and its certificate, as PEM. */
export type KeyPair = { readonly key: string; readonly certificate: string }

/** From when to when, in milliseconds since the epoch. */
export type Validity = { readonly from: number; readonly until: number }

export type IssuedCertificate = {
  readonly certificate: string
  /** Lower-case hex. */
  readonly serial: string
}

/** The certificate authority of one federation (RFC 5280): ECDSA on P-256, whatever the keys are that it certifies. */
export interface Authority {
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of its DER, lower-case hex. */
  readonly fingerprint: string
  /**
   * A certificate of TLS clients for the key of a request (PKCS #10 as DER), which must be `publicKey` (Ed25519, 32 bytes) and have
   * signed it. Nothing else of the request is believed. Throws `enrolment.request-invalid`.
   */
  issueClient(client: string, csr: Uint8Array, publicKey: Uint8Array, validity: Validity): Promise<IssuedCertificate>
  /** A new key and a certificate of TLS servers for these host names and addresses. */
  issueServer(names: readonly string[], validity: Validity): Promise<KeyPair>
}

/** Makes the key and the certificate of a new authority. */
export async function createAuthority(name: string, now: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + AUTHORITY_YEARS * YEAR_MS),
    keys: keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: await privatePem(keys.privateKey), certificate: pem(certificate) }
}

/** An authority from its files. Throws `config.invalid`. */
export async function openAuthority({ key, certificate }: KeyPair): Promise<Authority> {
  const [issuer, signingKey] = await readPair(key, certificate)
  const der = new Uint8Array(issuer.rawData)
  const issue = async (
    subject: string,
    publicKey: x509.PublicKey | webcrypto.CryptoKey,
    { from, until }: Validity,
    extensions: readonly x509.Extension[],
  ) => {
    const serial = serialNumber()
    const made = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject: [{ CN: [subject] }],
      issuer: issuer.subject,
      notBefore: new Date(from - BACKDATED_MS),
      notAfter: new Date(until),
      publicKey: publicKey,
      signingKey: signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        await x509.AuthorityKeyIdentifierExtension.create(issuer),
        ...extensions,
      ],
    })
    return { certificate: pem(made), serial }
  }
  return {
    certificate: pem(issuer),
    fingerprint: createHash('sha256').update(der).digest('hex'),
    issueClient: async (client, csr, publicKey, validity) => {
      const request = await checkedRequest(csr, publicKey)
      return issue(client, request.publicKey, validity, [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth], true),
      ])
    },
    issueServer: async (names, validity) => {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
      const alternatives = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const)
      const { certificate: made } = await issue(names[0] ?? 'coordinator', keys.publicKey, validity, [
        new x509.SubjectAlternativeNameExtension(alternatives),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      ])
      return { key: await privatePem(keys.privateKey), certificate: made }
    },
  }
}

async function checkedRequest(csr: Uint8Array, publicKey: Uint8Array): Promise<x509.Pkcs10CertificateRequest> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csr as Uint8Array<ArrayBuffer>)
    const key = new Uint8Array(request.publicKey.rawData)
    // RFC 8410: the 32 bytes of an Ed25519 key end its SubjectPublicKeyInfo, of 44 bytes.
    const isKey = key.length === 44 && toHex(key).startsWith(ED25519) && toHex(key.subarray(12)) === toHex(publicKey)
    if (isKey && (await request.verify())) return request
  } catch (cause) {
    throw new ParleyError('enrolment.request-invalid', 'the request for a certificate is not PKCS #10', { cause })
  }
  throw new ParleyError(
    'enrolment.request-invalid',
    'the request for a certificate is not signed by the key of the client',
  )
}

const ED25519 = '302a300506032b6570032100'

async function readPair(key: string, certificate: string) {
  try {
    const issuer = new x509.X509Certificate(certificate)
    const der = x509.PemConverter.decodeFirst(key)
    const signingKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign'])
    return [issuer, signingKey] as const
  } catch (cause) {
    throw new ParleyError('config.invalid', 'the key or the certificate of the authority is damaged', { cause })
  }
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

/** 16 random bytes, positive as RFC 5280 section 4.1.2.2 wants it. */
function serialNumber(): string {
  const bytes = new Uint8Array(randomBytes(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return toHex(bytes)
}
