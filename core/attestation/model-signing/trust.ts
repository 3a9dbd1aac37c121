import type { Crypto } from '../../crypto/primitives.ts'
import { fromUtf8 } from '../../encoding/bytes.ts'
import { ParleyError } from '../../errors/index.ts'
import { keyHint, publicKeyPem } from '../pem.ts'
import type { CertificateVerifier, EcdsaVerifier } from '../ports.ts'
import type { VerificationMaterial } from './bundle.ts'

/** Whose signatures are believed: known from elsewhere than the version, never from the bundle. */
export type ModelTrust =
  /** PEM. One of them must have signed; several while a key is replaced. */
  | { readonly method: 'key'; readonly publicKeys: readonly string[] }
  | {
      readonly method: 'certificate'
      readonly verifier: CertificateVerifier
      /** PEM. */
      readonly anchors: readonly string[]
      /** Milliseconds since the epoch: when the chain must be valid. */
      readonly at: number
    }

/** The pinned keys as PEM in its usual form. Throws `request.invalid` on a pin that is no key: that is no fault of the bundle. */
export async function pinnedKeys(ecdsa: EcdsaVerifier, trust: ModelTrust): Promise<readonly string[]> {
  if (trust.method === 'certificate') {
    if (trust.anchors.length === 0) throw new ParleyError('request.invalid', 'there is no trust anchor')
    return []
  }
  if (trust.publicKeys.length === 0) throw new ParleyError('request.invalid', 'there is no pinned key')
  const keys: string[] = []
  for (const pin of trust.publicKeys) {
    const pem = publicKeyPem(pin)
    if (pem === undefined || (await ecdsa.curveOf(pem)) === undefined) {
      throw new ParleyError(
        'request.invalid',
        'a pinned key is not an ECDSA public key on P-256, P-384 or P-521 in PEM',
      )
    }
    keys.push(pem)
  }
  return keys
}

/** The keys that the signature may be by. Throws an Error with the reason when the material is not trusted. */
export async function trustedKeys(
  crypto: Pick<Crypto, 'sha256'>,
  trust: ModelTrust,
  pinned: readonly string[],
  material: VerificationMaterial,
): Promise<readonly string[]> {
  if (material.method !== trust.method) {
    throw new Error(`the signature is by ${material.method}, and trust is configured for a ${trust.method}`)
  }
  if (trust.method === 'key' && material.method === 'key') return hinted(crypto, pinned, material)
  if (trust.method !== 'certificate' || material.method !== 'certificate') throw new Error('unknown method')
  const { certificates } = material
  const result = await trust.verifier.verifyChain({ certificates, anchors: trust.anchors, at: trust.at })
  if ('problem' in result) throw new Error(result.problem)
  return [result.publicKeyPem]
}

/** A hint cannot make a key trusted. One that names another key says that the file is not meant for the pinned ones. */
function hinted(
  crypto: Pick<Crypto, 'sha256'>,
  pinned: readonly string[],
  { hint, rawBytes }: Extract<VerificationMaterial, { method: 'key' }>,
): readonly string[] {
  let keys = pinned
  if (hint !== undefined && hint !== '') keys = keys.filter((pem) => keyHint(crypto, pem) === hint)
  const pem = rawBytes === undefined ? undefined : pemIn(rawBytes)
  // Older signers wrote PEM here. What is in no form that is known says nothing.
  if (pem !== undefined) keys = keys.filter((key) => key === pem)
  if (keys.length === 0) throw new Error('the signature names another key than the pinned one')
  return keys
}

function pemIn(bytes: Uint8Array): string | undefined {
  try {
    return publicKeyPem(fromUtf8(bytes))
  } catch {
    return undefined
  }
}
