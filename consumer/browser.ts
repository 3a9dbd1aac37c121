/** The face of `parley/consumer` in browsers. */
import { webEcdsa } from '../core/attestation/web.ts'
import { portableCrypto } from '../core/crypto/portable.ts'
import type { Followed } from './follow/followed.ts'
import { openWith } from './open.ts'
import type { OpenOptions } from './options.ts'

/** See `openWith`. */
export function open(reference: string, options: OpenOptions): Promise<Followed> {
  return openWith({ crypto: portableCrypto, ecdsa: webEcdsa }, reference, options)
}

export { cacheStorageCache } from './cache/cache-storage.ts'
export { memoryCache } from './cache/memory.ts'
export type { CachePart, VersionCache } from './cache/version-cache.ts'
export type { ConsumerEvent, EventListener } from './events.ts'
export type { Followed } from './follow/followed.ts'
export type { OpenOptions, ReportOptions } from './options.ts'
export type { Answered, Truth } from './report/counts.ts'
export type { Reporting } from './report/reporting.ts'
export type { InRollout, OpenVersion, Tensor, Why } from './version/open-version.ts'
