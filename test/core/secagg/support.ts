import { nodeCrypto } from '../../../core/crypto/node.ts'
import { toHex, utf8 } from '../../../core/encoding/bytes.ts'
import type { SessionConfiguration } from '../../../core/secagg/configuration.ts'

/** Deterministic bytes: a keystream named after its use. */
export function bytesOf(name: string): (length: number) => Uint8Array {
  const stream = nodeCrypto.keystream(nodeCrypto.sha256(utf8(name)))
  return (length) => new Uint8Array(stream.next(length))
}

export const coin = nodeCrypto.sha256(utf8('the coordinator’s coin'))

/** A configuration that parses: five clients, one sum, a complete graph with threshold 3. */
export function configurationOf(change: Partial<SessionConfiguration> = {}): SessionConfiguration {
  return {
    v: 1,
    protocol: 'parley/secagg/1',
    task: 'run-1',
    round: 7,
    session: '00112233445566778899aabbccddeeff',
    model: toHex(nodeCrypto.sha256(utf8('the weights'))),
    coordinates: 9,
    bits: 16,
    clip: 1,
    modulusBits: 32,
    weight: { min: 1, max: 100 },
    noiseBound: 0,
    extras: [],
    cohort: 5,
    minimum: 3,
    threat: { corrupted: 0, dropouts: 0.2, server: 'semi-malicious' },
    graph: { kind: 'complete', threshold: 4 },
    buckets: null,
    coin: toHex(nodeCrypto.sha256(coin)),
    beacon: null,
    deadlines: { advertise: 60_000, share: 60_000, input: 600_000, survivors: 60_000, unmask: 60_000 },
    ...change,
  }
}
