/** Keys, folders and certificates for the tests of evidence. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { nodeReleaseSigner } from '../../../core/attestation/node.ts'
import type { FolderEntry, FolderReader, ReleaseSigner } from '../../../core/attestation/ports.ts'
import { utf8 } from '../../../core/encoding/bytes.ts'

export type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

export const keyPair = (namedCurve = 'P-256'): KeyPair => generateKeyPairSync('ec', { namedCurve })

export const signerOf = ({ privateKey }: KeyPair): ReleaseSigner =>
  nodeReleaseSigner(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())

/** A folder in memory. Directories follow from the paths; `strange` are entries of another kind. */
export class MemoryFolder implements FolderReader {
  readonly files: Map<string, Uint8Array>
  readonly strange: FolderEntry[] = []
  readonly opened: string[] = []
  readonly #piece: number

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}, piece = 7) {
    this.files = new Map(
      Object.entries(files).map(([path, content]) => [path, typeof content === 'string' ? utf8(content) : content]),
    )
    this.#piece = piece
  }

  *list(skip: (path: string) => boolean): Generator<FolderEntry> {
    const directories = new Set<string>()
    for (const path of this.files.keys()) {
      for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) directories.add(path.slice(0, end))
    }
    for (const path of [...directories, ...this.files.keys()]) {
      if (!skip(path)) yield { path, kind: directories.has(path) ? 'directory' : 'file' }
    }
    yield* this.strange
  }

  async *open(path: string): AsyncGenerator<Uint8Array> {
    this.opened.push(path)
    const bytes = this.files.get(path)
    if (bytes === undefined) throw new Error(`no such file: ${path}`)
    for (let at = 0; at < bytes.length; at += this.#piece) yield bytes.subarray(at, at + this.#piece)
  }

  copy(): MemoryFolder {
    return new MemoryFolder(Object.fromEntries(this.files))
  }
}

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'))
const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts)
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const nameOf = (text: string) => sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, utf8(text)))))
const timeOf = (at: number) => tlv(0x18, utf8(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))
const yes = Buffer.from([0x01, 0x01, 0xff])
const extension = (id: string, critical: boolean, value: Uint8Array) =>
  sequence(oid(id), ...(critical ? [yes] : []), tlv(0x04, value))

export type CertificateRequest = {
  readonly subject: string
  readonly issuer: string
  readonly key: KeyPair
  readonly issuerKey: KeyPair
  readonly from?: number
  readonly to?: number
  readonly authority?: boolean
  readonly pathLength?: number
  /** The first octet of the key usage; null: without. */
  readonly keyUsage?: number | null
  /** Object identifier in hex. */
  readonly extendedKeyUsage?: string
  /** Object identifier in hex of an extension that nobody knows. */
  readonly unknownCritical?: string
}

export const CODE_SIGNING = '2b06010505070303'
export const SERVER_AUTHENTICATION = '2b06010505070301'
const DAY = 86_400_000
export const NOW = Date.UTC(2026, 5, 1)

/** A certificate (RFC 5280) in DER, signed with ECDSA and SHA-256. */
export function certificate(request: CertificateRequest): Uint8Array {
  const { subject, issuer, key, issuerKey, from = NOW - DAY, to = NOW + DAY, authority = false, pathLength } = request
  const { keyUsage = authority ? 0x04 : 0x80, extendedKeyUsage, unknownCritical } = request
  const length = pathLength === undefined ? [] : [tlv(0x02, Buffer.from([pathLength]))]
  const extensions = [
    ...(authority ? [extension('551d13', true, sequence(yes, ...length))] : []),
    ...(keyUsage === null ? [] : [extension('551d0f', true, tlv(0x03, Buffer.from([2, keyUsage])))]),
    ...(extendedKeyUsage === undefined ? [] : [extension('551d25', false, sequence(oid(extendedKeyUsage)))]),
    ...(unknownCritical === undefined ? [] : [extension(unknownCritical, true, sequence())]),
  ]
  const signed = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(timeOf(from), timeOf(to)),
    nameOf(subject),
    key.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  )
  const signature = sign('sha256', signed, issuerKey.privateKey)
  return new Uint8Array(sequence(signed, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), signature)))
}
