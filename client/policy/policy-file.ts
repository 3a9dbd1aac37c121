import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import { readIfThere } from './durable-file.ts'
import { POLICY_BYTES, parsePolicy } from './parse.ts'
import type { Policy } from './schema.ts'
import { verifyPolicy } from './signed.ts'

/** A policy that is valid, and the site's key that signed it. */
export type TrustedPolicy = { readonly policy: Policy; readonly siteKey: Uint8Array }

/** Where the signature of a policy lies: beside it, `policy.dsse.json` for `policy.yaml`. */
export function signaturePath(path: string): string {
  return `${path.replace(/\.(ya?ml|json)$/, '')}.dsse.json`
}

/** The key that this client trusts to sign policies; undefined when none is pinned. Throws `policy.untrusted`. */
export async function pinnedKey(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readIfThere(path, 1_000)
  if (bytes === undefined) return undefined
  const key = fromHex(textOf(bytes, 'policy.untrusted', 'the pinned key').trim())
  if (key?.length !== 32) throw new ParleyError('policy.untrusted', `${path} does not hold a public key in hex`)
  return key
}

/** Reads a policy without asking who signed it. Throws `policy.absent`, `policy.unreadable` and `policy.invalid`. */
export async function readPolicy(path: string): Promise<Policy> {
  const bytes = await readIfThere(path, POLICY_BYTES)
  if (bytes === undefined) throw new ParleyError('policy.absent', `there is no policy at ${path}`)
  return parsePolicy(textOf(bytes, 'policy.unreadable', path))
}

/**
 * The policy at `path`, signed by the key that is pinned in the file `keyPath`. Throws `policy.absent`, `policy.unreadable`,
 * `policy.invalid`, `policy.unsigned` and `policy.untrusted`: whatever it throws, nothing is allowed.
 */
export async function loadPolicy(crypto: Crypto, path: string, keyPath: string): Promise<TrustedPolicy> {
  const policy = await readPolicy(path)
  const envelope = await readIfThere(signaturePath(path), ENVELOPE_BYTES)
  if (envelope === undefined)
    throw new ParleyError('policy.unsigned', `there is no signature at ${signaturePath(path)}`)
  const siteKey = await pinnedKey(keyPath)
  if (siteKey === undefined) throw new ParleyError('policy.untrusted', 'this client has pinned no key of its site')
  verifyPolicy(crypto, siteKey, policy, envelope)
  return { policy, siteKey }
}

function textOf(bytes: Uint8Array, code: 'policy.unreadable' | 'policy.untrusted', what: string): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new ParleyError(code, `${what} is not UTF-8 text`, { cause })
  }
}
