const KiB = 1024
const MiB = 1024 * KiB

/** Plain bytes of an update in one sealed segment, and bytes of a blob in one chunk. Fixed by the protocol. */
export const SEGMENT_BYTES = MiB

export type Limit = {
  readonly value: number
  readonly unit: 'bytes' | 'ms' | 'count'
  readonly meaning: string
  readonly exceeded: string
}

const bytes = (value: number, meaning: string, exceeded: string): Limit => ({ value, unit: 'bytes', meaning, exceeded })
const ms = (value: number, meaning: string, exceeded: string): Limit => ({ value, unit: 'ms', meaning, exceeded })
const count = (value: number, meaning: string, exceeded: string): Limit => ({ value, unit: 'count', meaning, exceeded })

/** Every bound on bytes from outside, with its default. `docs/limits.md` is made from this table. */
export const limitTable = {
  frameBytes: bytes(MiB + 16 * KiB, 'largest encoded frame, on every carrier', 'frame.too-large'),
  controlBytes: bytes(64 * KiB, 'largest signed payload or other control field', 'frame.malformed'),
  handshakeBytes: bytes(4 * KiB, 'largest frame before a peer is authenticated', 'frame.too-large'),
  handshakeMs: ms(10_000, 'from the opened connection to the authenticated session', 'session.handshake-timeout'),
  idleMs: ms(60_000, 'silence after which a session is dropped; heartbeats go out at a third of it', 'session.idle'),
  stallMs: ms(
    30_000,
    'time in which a peer must take or deliver at least one frame of a transfer',
    'session.slow-consumer',
  ),
  connections: count(10_000, 'open connections in total', 'session.too-many'),
  unauthenticatedConnections: count(256, 'open connections that are not authenticated', 'session.too-many'),
  connectionsPerAddress: count(1_000, 'open connections from one address', 'session.too-many'),
  sendQueueBytes: bytes(8 * MiB, 'bytes handed to a carrier and not yet taken by the peer', 'session.slow-consumer'),
  modelBytes: bytes(
    8 * 1024 * MiB,
    'largest model file that a coordinator serves or a client takes',
    'node.plan-refused',
  ),
  headerBytes: bytes(16 * MiB, 'largest safetensors header', 'tensors.malformed'),
  tensors: count(100_000, 'tensors in one layout', 'tensors.malformed'),
  shards: count(1_000, 'weight files of a TF.js layers model that a run starts from', 'tensors.malformed'),
  refusedUpdates: count(
    3,
    'refused updates of one client in one round, after which it is left out',
    'update.too-many-refused',
  ),
  planBytes: bytes(MiB, 'largest plan', 'plan.unreadable'),
  requestBytes: bytes(2 * MiB, 'largest body of an HTTP request', 'request.too-large'),
  maskingBytes: bytes(MiB, 'largest message of a step of secure aggregation', 'frame.malformed'),
  evaluationBytes: bytes(768 * KiB, 'largest signed evaluation of a client', 'frame.malformed'),
  outcomesBytes: bytes(32 * KiB, 'largest signed report of outcomes of a consumer', 'request.too-large'),
  outcomesPerMinute: count(10, 'reports of outcomes of one consumer in a minute', 'outcomes.too-often'),
  evaluationRows: count(1_000_000_000, 'held-out rows that one client may report', 'evaluation.invalid'),
} as const satisfies Record<string, Limit>

export type Limits = { readonly [Name in keyof typeof limitTable]: number }

export const defaultLimits: Limits = Object.fromEntries(
  Object.entries(limitTable).map(([name, limit]) => [name, limit.value]),
) as { [Name in keyof typeof limitTable]: number }
