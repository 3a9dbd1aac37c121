import { utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parseEnvelope } from '../../core/release/envelope-json.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import { parseManifest } from '../../core/release/verify.ts'

/** The manifest of a version that this registry has published. Throws `store.corrupt`. */
export function manifestIn(envelope: string): Manifest {
  try {
    const [first] = parseEnvelope(utf8(envelope))
    if (first !== undefined) return parseManifest(first.payload)
  } catch (cause) {
    throw new ParleyError('store.corrupt', 'the envelope of a version does not hold a manifest', { cause })
  }
  throw new ParleyError('store.corrupt', 'the envelope of a version is empty')
}
