import { toHex } from '../encoding/bytes.ts'

/**
 * What an X.509 certificate (RFC 5280) may be used for: Node's `X509Certificate` does not tell path lengths, nor which
 * extensions are critical. A reader that does not know a critical extension must refuse the certificate (section 4.2).
 */
export type CertificateUses = {
  /** Of the basic constraints; a certificate without them is no authority. */
  readonly authority: boolean
  /** How many authorities may stand below this one; undefined: any number. */
  readonly pathLength: number | undefined
  /** Undefined where the certificate does not restrict it. */
  readonly keyUsage: { readonly digitalSignature: boolean; readonly certificateSigning: boolean } | undefined
  readonly codeSigning: boolean | undefined
  /** Critical extensions that are not read here, as hex of their object identifiers. */
  readonly unknownCritical: readonly string[]
}

const BASIC_CONSTRAINTS = '551d13'
const KEY_USAGE = '551d0f'
const EXTENDED_KEY_USAGE = '551d25'
const CODE_SIGNING = '2b06010505070303'

type Element = { readonly tag: number; readonly content: Uint8Array }

/** Throws a RangeError on what is not a certificate in DER. */
export function certificateUses(der: Uint8Array): CertificateUses {
  const [certificate] = elements(der)
  const [signed] = elements(contentOf(certificate, 0x30))
  const explicit = elements(contentOf(signed, 0x30)).find(({ tag }) => tag === 0xa3)
  const [list] = explicit === undefined ? [] : elements(explicit.content)
  const extensions = list === undefined ? [] : elements(contentOf(list, 0x30)).map(extensionOf)
  const known = new Map(extensions.map(({ id, value }) => [id, value]))
  // RFC 5280: a certificate has an extension once; of two, another reader might take the other.
  if (known.size !== extensions.length) throw new RangeError('the certificate has an extension twice')
  return {
    ...basicConstraints(known.get(BASIC_CONSTRAINTS)),
    keyUsage: keyUsage(known.get(KEY_USAGE)),
    codeSigning: codeSigning(known.get(EXTENDED_KEY_USAGE)),
    unknownCritical: extensions
      .filter(({ id, critical }) => critical && ![BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE].includes(id))
      .map(({ id }) => id),
  }
}

type Extension = { readonly id: string; readonly critical: boolean; readonly value: Uint8Array }

function extensionOf(element: Element): Extension {
  const parts = elements(contentOf(element, 0x30))
  const critical = parts.find(({ tag }) => tag === 0x01)
  return {
    id: toHex(contentOf(parts[0], 0x06)),
    critical: critical !== undefined && critical.content[0] !== 0,
    value: contentOf(parts.at(-1), 0x04),
  }
}

function basicConstraints(value: Uint8Array | undefined): Pick<CertificateUses, 'authority' | 'pathLength'> {
  if (value === undefined) return { authority: false, pathLength: undefined }
  const parts = elements(contentOf(elements(value)[0], 0x30))
  const authority = parts.some(({ tag, content }) => tag === 0x01 && content[0] !== 0)
  const length = parts.find(({ tag }) => tag === 0x02)
  // Longer than one byte is longer than any chain that is read; a negative one lets nothing stand below.
  const pathLength = length === undefined || length.content.length !== 1 ? undefined : (length.content[0] as number)
  return { authority, pathLength: pathLength !== undefined && pathLength > 127 ? 0 : pathLength }
}

function keyUsage(value: Uint8Array | undefined): CertificateUses['keyUsage'] {
  if (value === undefined) return undefined
  // A bit string: the number of unused bits, then the bits, the first one highest.
  const bits = contentOf(elements(value)[0], 0x03)[1] ?? 0
  return { digitalSignature: (bits & 0x80) !== 0, certificateSigning: (bits & 0x04) !== 0 }
}

function codeSigning(value: Uint8Array | undefined): boolean | undefined {
  if (value === undefined) return undefined
  return elements(contentOf(elements(value)[0], 0x30)).some(({ content }) => toHex(content) === CODE_SIGNING)
}

/** The elements that fill these bytes, one behind the other. */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number
    let length = bytes[at++] ?? -1
    if (length > 0x83 || length === 0x80) throw notDer()
    if (length > 0x80) {
      const end = at + length - 0x80
      for (length = 0; at < end; at++) length = length * 256 + (bytes[at] ?? Number.NaN)
    }
    const end = at + length
    if (!(length >= 0 && end <= bytes.length)) throw notDer()
    found.push({ tag, content: bytes.subarray(at, end) })
    at = end
  }
  return found
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw notDer()
  return element.content
}

function notDer(): RangeError {
  return new RangeError('this is not a certificate in DER')
}
