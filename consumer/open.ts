import { ParleyError } from '../core/errors/index.ts'
import type { Followed } from './follow/followed.ts'
import { Follower } from './follow/follower.ts'
import { type OpenOptions, type Platform, settingsOf } from './options.ts'
import { parseReference } from './reference.ts'

/**
 * Opens a model: `heart@production` follows an alias, `heart/7` is one version for ever, `heart` is `heart@production`.
 * Resolves when a version is verified, from the registry or, where that cannot be reached, from the cache. Rejects with
 * `request.invalid` and `config.insecure` for the arguments, and otherwise when there is no version that may be used:
 * `verify.failed`, `version.withdrawn`, `object.not-found`, `session.unreachable`, `interrupted`.
 */
export async function openWith(platform: Platform, reference: string, options: OpenOptions): Promise<Followed> {
  const { onEvent, signal } = options
  const follower = new Follower(settingsOf(platform, options), parseReference(reference))
  if (onEvent !== undefined) follower.onEvent(onEvent)
  if (signal?.aborted) throw new ParleyError('interrupted')
  signal?.addEventListener('abort', () => void follower.close(), { once: true })
  await follower.start()
  return follower
}
