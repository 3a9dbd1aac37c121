import type { MessageSigner } from '../core/attestation/dsse.ts'
import type { EcdsaVerifier } from '../core/attestation/ports.ts'
import type { Clock } from '../core/clock.ts'
import { type Crypto, KEY_BYTES } from '../core/crypto/primitives.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { idField } from '../core/run/fields.ts'
import { systemClock } from '../core/system-clock.ts'
import { isLoopback } from '../core/wire/address.ts'
import { memoryCache } from './cache/memory.ts'
import type { VersionCache } from './cache/version-cache.ts'
import type { ConsumerEvent } from './events.ts'
import { consumerLimits } from './limits.ts'

export type Fetch = typeof globalThis.fetch

/** That this consumer reports what it counts while a rollout compares versions. */
export type ReportOptions = {
  /**
   * The consumer's own Ed25519 key: its 32-byte seed, as bytes or in hex, or whatever signs with it, 64 bytes a message. It stays in memory.
   * The coordinator lists its public half for `consumer`.
   */
  readonly key: string | Uint8Array | MessageSigner
  /** Milliseconds between reports, from 10,000; a minute by default. */
  readonly everyMs?: number
}

export type OpenOptions = {
  /** The registry's address, `https://…`; a path in it is kept. */
  readonly url: string
  /** The registry's Ed25519 key in 64 hex digits, known from elsewhere than the registry. */
  readonly key: string
  /** This consumer's id, 1 to 100 letters, digits, dots, dashes and underscores. Without one it gets no challenger. */
  readonly consumer?: string
  /** Where versions outlive the program; by default in memory only. */
  readonly cache?: VersionCache
  readonly fetch?: Fetch
  readonly clock?: Clock
  /** A number in [0, 1) for the jitter of waits. */
  readonly random?: () => number
  /**
   * How moves are heard of: from a stream of events, with polling where that breaks (the default); by polling; not at all.
   * A pinned version is never followed.
   */
  readonly follow?: 'stream' | 'poll' | 'none'
  /** Milliseconds between polls, from 1,000; a minute by default. */
  readonly pollMs?: number
  /** When the last record of the alias has expired and no newer is to be had: serve its version (the default), or refuse. */
  readonly whenStale?: 'serve' | 'refuse'
  /** Bytes of all files of a version together; 2 GiB by default. */
  readonly maxBytes?: number
  /** Without it nothing is reported. Needs `consumer`. */
  readonly report?: ReportOptions
  readonly onEvent?: (event: ConsumerEvent) => void
  /** Ends everything, as `close` does. */
  readonly signal?: AbortSignal
  /** Files are safe without TLS by their signatures; what is told of withdrawals is not, nor who reads what. */
  readonly allowClearTextBeyondLoopback?: boolean
}

/** What browsers and Node do differently. */
export type Platform = { readonly crypto: Crypto; readonly ecdsa: EcdsaVerifier }

/** The options as they are used: checked, and complete. */
export type Settings = Platform & {
  /** Without a slash at its end. */
  readonly url: string
  readonly key: Uint8Array
  readonly consumer: string | undefined
  readonly cache: VersionCache
  readonly fetch: Fetch
  readonly clock: Clock
  readonly random: () => number
  readonly follow: 'stream' | 'poll' | 'none'
  readonly pollMs: number
  readonly whenStale: 'serve' | 'refuse'
  readonly maxBytes: number
  readonly report: { readonly signer: MessageSigner; readonly everyMs: number; readonly consumer: string } | undefined
}

/** Throws `request.invalid`, and `config.insecure` for clear text beyond the loopback interface. */
export function settingsOf(platform: Platform, options: OpenOptions): Settings {
  const { consumer, pollMs = consumerLimits.pollMs, maxBytes = consumerLimits.versionBytes } = options
  if (consumer !== undefined && !idField.safeParse(consumer).success) throw invalid('consumer is not an id')
  if (!(pollMs >= 1_000 && pollMs <= 86_400_000)) throw invalid('pollMs is not from 1,000 to 86,400,000')
  if (!(maxBytes >= 1)) throw invalid('maxBytes is not a number of bytes')
  return {
    ...platform,
    url: urlOf(options),
    key: keyOf(options.key),
    consumer,
    cache: options.cache ?? memoryCache(),
    // Called without its object `fetch` fails in browsers.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? systemClock,
    random: options.random ?? (() => fractionOf(platform.crypto.randomBytes(4))),
    follow: options.follow ?? 'stream',
    pollMs,
    whenStale: options.whenStale ?? 'serve',
    maxBytes,
    report: reportOf(platform, options),
  }
}

function reportOf({ crypto }: Platform, { report, consumer }: OpenOptions): Settings['report'] {
  if (report === undefined) return undefined
  const { key, everyMs = consumerLimits.reportMs } = report
  if (consumer === undefined) throw invalid('report needs consumer: whose reports they are')
  if (!(everyMs >= consumerLimits.leastReportMs && everyMs <= 86_400_000)) {
    throw invalid('report.everyMs is not from 10,000 to 86,400,000')
  }
  if (typeof key === 'object' && 'sign' in key) return { signer: key, everyMs, consumer }
  const seed = typeof key === 'string' ? fromHex(key.toLowerCase()) : key
  if (seed?.length !== KEY_BYTES) throw invalid('report.key is no Ed25519 seed of 32 bytes, and signs nothing')
  return { signer: crypto.signingKey(seed), everyMs, consumer }
}

function urlOf({ url, allowClearTextBeyondLoopback = false }: OpenOptions): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !['https:', 'http:'].includes(parsed.protocol)) throw invalid('url is not one of HTTP')
  if (parsed.username !== '' || parsed.password !== '' || parsed.search !== '' || parsed.hash !== '') {
    throw invalid('url has more than a host and a path')
  }
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname) && !allowClearTextBeyondLoopback) {
    throw new ParleyError('config.insecure')
  }
  return parsed.href.replace(/\/+$/, '')
}

function keyOf(text: string): Uint8Array {
  const key = fromHex(text.toLowerCase())
  if (key?.length !== 32) throw invalid('key is not an Ed25519 key in 64 hex digits')
  return key
}

function fractionOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32
}

function invalid(reason: string): ParleyError {
  return new ParleyError('request.invalid', reason)
}
