/** The face of `parley/consumer` on Node: published models in an application. */
import { nodeEcdsa } from '../core/attestation/node.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import type { Followed } from './follow/followed.ts'
import { openWith } from './open.ts'
import type { OpenOptions } from './options.ts'

/** See `openWith`. */
export function open(reference: string, options: OpenOptions): Promise<Followed> {
  return openWith({ crypto: nodeCrypto, ecdsa: nodeEcdsa }, reference, options)
}

export { memoryCache } from './cache/memory.ts'
export type { CachePart, VersionCache } from './cache/version-cache.ts'
export type { ConsumerEvent, EventListener } from './events.ts'
export type { Followed } from './follow/followed.ts'
export { folderCache } from './node.ts'
export type { OpenOptions, ReportOptions } from './options.ts'
export type { Answered, Truth } from './report/counts.ts'
export type { Reporting } from './report/reporting.ts'
export type { InRollout, OpenVersion, Tensor, Why } from './version/open-version.ts'
