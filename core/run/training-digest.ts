import type { Crypto } from '../crypto/primitives.ts'
import { toHex, utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'

/** What is trained, as both sides of a masked round see it. */
export type Trained = {
  /** SHA-256 of the model file that is trained from, of its layout, and of the plan; lower-case hex. */
  readonly model: string
  readonly layout: string
  readonly plan: string
  readonly clip: number | undefined
}

/**
 * SHA-256 of everything that an update depends on beside the data: exact weights, layout, plan, clipping norm. It is part of
 * every mask key, so that clients which were sent different models make masks that do not cancel.
 */
export function trainingDigest(crypto: Pick<Crypto, 'sha256'>, { model, layout, plan, clip }: Trained): string {
  return toHex(crypto.sha256(utf8(canonicalJson({ v: 1, model, layout, plan, clip: clip ?? null }))))
}
