import { z } from 'zod'
import { anyBase64 } from '../../encoding/any-base64.ts'
import { toBase64 } from '../../encoding/bytes.ts'
import { ParleyError } from '../../errors/index.ts'
import { type DsseEnvelope, dsseOf, dsseValue, omsEnvelopeSchema } from '../dsse.ts'
import { canonicalBytes, readJson, shaped } from '../json-payload.ts'

/** A Sigstore bundle (sigstore/protobuf-specs, `sigstore_bundle.proto`) around a DSSE envelope: the file `model.sig`. */
export const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** What says whose signature it is. It is a claim: trust comes from configuration alone. */
export type VerificationMaterial =
  | { readonly method: 'key'; readonly hint?: string; readonly rawBytes?: Uint8Array }
  /** DER, the leaf first. */
  | { readonly method: 'certificate'; readonly certificates: readonly Uint8Array[] }

export type Bundle = { readonly material: VerificationMaterial; readonly envelope: DsseEnvelope }

const certificateSchema = z.object({ rawBytes: z.string().min(1) })
const tlogEntries = z.array(z.looseObject({}))
const materialSchema = z.looseObject({
  publicKey: z.object({ hint: z.string().optional(), rawBytes: z.string().optional() }).optional(),
  x509CertificateChain: z.object({ certificates: z.array(certificateSchema).min(1).max(100) }).optional(),
  certificate: certificateSchema.optional(),
  tlogEntries: tlogEntries.optional(),
  timestampVerificationData: z.looseObject({}).optional(),
})
const anyMaterial = materialSchema.refine(
  ({ publicKey, x509CertificateChain, certificate }) =>
    publicKey !== undefined || x509CertificateChain !== undefined || certificate !== undefined,
  { message: 'a publicKey, an x509CertificateChain or a certificate' },
)

const bundleSchema = z.strictObject({
  mediaType: z.string().regex(/^application\/vnd\.dev\.sigstore\.bundle/, 'the media type of a Sigstore bundle'),
  verificationMaterial: anyMaterial,
  dsseEnvelope: omsEnvelopeSchema,
})
export type BundleForm = z.output<typeof bundleSchema>

/** The bundle's form (`bundle.schema.json`, `envelope.schema.json`). Throws `verify.failed`; nothing is verified. */
export function parseBundle(bytes: Uint8Array, maxBytes: number): BundleForm {
  if (bytes.length > maxBytes) {
    throw new ParleyError('verify.failed', `the signature file has more than ${maxBytes} bytes`)
  }
  return shaped(bundleSchema, readJson(bytes, 'the signature file'), 'the signature file')
}

/** The envelope of a bundle. Throws `verify.failed` on what is not base64. */
export function envelopeOf({ dsseEnvelope }: BundleForm): DsseEnvelope {
  return dsseOf(dsseEnvelope)
}

/** The one kind of material that a bundle has. Throws `verify.failed` for several, and for keyless signatures. */
export function materialOf({ verificationMaterial }: BundleForm): VerificationMaterial {
  const { publicKey, x509CertificateChain, certificate } = verificationMaterial
  if ([publicKey, x509CertificateChain, certificate].filter((kind) => kind !== undefined).length > 1) {
    throw wrong('there are several kinds of verification material')
  }
  if (x509CertificateChain !== undefined) {
    return { method: 'certificate', certificates: x509CertificateChain.certificates.map((one) => der(one.rawBytes)) }
  }
  if (publicKey === undefined) throw wrong('keyless signatures (Sigstore) are not verified here')
  const { hint, rawBytes } = publicKey
  if (hint === undefined && rawBytes === undefined) throw wrong('the public key has neither hint nor rawBytes')
  return {
    method: 'key',
    ...(hint === undefined ? {} : { hint }),
    ...(rawBytes === undefined ? {} : { rawBytes: der(rawBytes) }),
  }
}

/** A bundle as a file, in canonical JSON. `tlogEntries` is there, and empty, as the reference implementation writes it. */
export function bundleBytes({ material, envelope }: Bundle): Uint8Array {
  const verificationMaterial =
    material.method === 'key'
      ? { publicKey: { hint: material.hint }, tlogEntries: [] }
      : {
          x509CertificateChain: { certificates: material.certificates.map((one) => ({ rawBytes: toBase64(one) })) },
          tlogEntries: [],
        }
  return canonicalBytes({ mediaType: BUNDLE_TYPE, verificationMaterial, dsseEnvelope: dsseValue(envelope) })
}

function der(text: string): Uint8Array {
  const bytes = anyBase64(text)
  if (bytes === undefined) throw wrong('it is not base64 where it should be')
  return bytes
}

function wrong(reason: string): ParleyError {
  return new ParleyError('verify.failed', `verification material: ${reason}`)
}
