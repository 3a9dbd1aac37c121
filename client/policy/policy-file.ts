import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import { readIfThere } from './durable-file.ts'
import { POLICY_BYTES, parsePolicy } from './parse.ts'
import type { Policy } from './schema.ts'
import { verifyPolicy } from './signed.ts'

/** A policy that is valid, and the site's keys, all of which signed it. */
export type TrustedPolicy = { readonly policy: Policy; readonly siteKeys: readonly Uint8Array[] }

/** Most keys that can be asked to sign a policy. */
export const MOST_SITE_KEYS = 10

/** Where the signature of a policy lies: beside it, `policy.dsse.json` for `policy.yaml`. */
export function signaturePath(path: string): string {
  return `${path.replace(/\.(ya?ml|json)$/, '')}.dsse.json`
}

/** The keys that must all sign this client's policies, one in a line; none when none is pinned. Throws `policy.untrusted`. */
export async function pinnedKeys(path: string): Promise<readonly Uint8Array[]> {
  const bytes = await readIfThere(path, 1_000)
  if (bytes === undefined) return []
  const lines = textOf(bytes, 'policy.untrusted', 'the pinned keys').trim().split(/\r?\n/)
  const keys = lines.flatMap((line) => fromHex(line.trim()) ?? [])
  const different = new Set(keys.map(toHex)).size === lines.length && keys.every((key) => key.length === 32)
  if (!different || lines.length > MOST_SITE_KEYS) {
    const most = `at most ${MOST_SITE_KEYS} different public keys in hex, one in a line`
    throw new ParleyError('policy.untrusted', `${path} does not hold ${most}`)
  }
  return keys
}

/** How many people must approve a plan that is held: never fewer than must sign the policy that holds it. */
export function approvalsNeeded({ policy, siteKeys }: TrustedPolicy): number {
  return Math.max(policy.approvals, siteKeys.length)
}

/** Reads a policy without asking who signed it. Throws `policy.absent`, `policy.unreadable` and `policy.invalid`. */
export async function readPolicy(path: string): Promise<Policy> {
  const bytes = await readIfThere(path, POLICY_BYTES)
  if (bytes === undefined) throw new ParleyError('policy.absent', `there is no policy at ${path}`)
  return parsePolicy(textOf(bytes, 'policy.unreadable', path))
}

/**
 * The policy at `path`, signed by all keys that are pinned in the file `keyPath`. Throws `policy.absent`, `policy.unreadable`,
 * `policy.invalid`, `policy.unsigned` and `policy.untrusted`: whatever it throws, nothing is allowed.
 */
export async function loadPolicy(crypto: Crypto, path: string, keyPath: string): Promise<TrustedPolicy> {
  const policy = await readPolicy(path)
  const envelope = await readIfThere(signaturePath(path), ENVELOPE_BYTES)
  if (envelope === undefined)
    throw new ParleyError('policy.unsigned', `there is no signature at ${signaturePath(path)}`)
  const siteKeys = await pinnedKeys(keyPath)
  if (siteKeys.length === 0) throw new ParleyError('policy.untrusted', 'this client has pinned no key of its site')
  verifyPolicy(crypto, siteKeys, policy, envelope)
  return { policy, siteKeys }
}

function textOf(bytes: Uint8Array, code: 'policy.unreadable' | 'policy.untrusted', what: string): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new ParleyError(code, `${what} is not UTF-8 text`, { cause })
  }
}
