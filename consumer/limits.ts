import { ENVELOPE_BYTES } from '../core/release/envelope-json.ts'

const MiB = 1024 * 1024

/** Bounds on what a registry may send, and how long it may take, where no option says otherwise. */
export const consumerLimits = {
  /** Alias records and signed manifests. */
  envelopeBytes: ENVELOPE_BYTES,
  /** The list of withdrawn versions. */
  withdrawnBytes: MiB,
  /** A line of the event stream: an envelope and the name of its field. */
  eventLineBytes: ENVELOPE_BYTES + 1024,
  /** All files of a version together; they are held in memory. */
  versionBytes: 2048 * MiB,
  /** What a cache keeps of a reference: the record and two manifests, and room for their digests. */
  documentBytes: 8 * MiB,
  /** The registry's answer to a report, or why it refused it. */
  answerBytes: 64 * 1024,
  /** What is kept of reports: one signed report, and some numbers. */
  reportStateBytes: 128 * 1024,
  /** Between two reports, and the shortest that may be asked for: six a minute, where the registry takes ten. */
  reportMs: 60_000,
  leastReportMs: 10_000,
  /** For what is unsent when the application closes. */
  closingMs: 5_000,
  /** For an answer to begin, and for a small one to end, in milliseconds. */
  timeoutMs: 10_000,
  /** Without a byte of a file. */
  stallMs: 30_000,
  /** Without a byte of the event stream: three of the server's heartbeats. */
  silenceMs: 45_000,
  /** Between two polls. */
  pollMs: 60_000,
  /** The longest wait between two attempts at the same thing. */
  backoffMs: 60_000,
  /** Connections in a row that may break while one file is downloaded; any progress begins the count anew. */
  brokenDownloads: 5,
} as const
