import type { Crypto } from '../crypto/primitives.ts'
import { fromHex } from '../encoding/bytes.ts'
import type { Chance } from './buckets.ts'
import { bytes32 } from './bytes32.ts'
import { configHashOf, type SessionConfiguration } from './configuration.ts'
import type { MaskContext } from './masks.ts'
import { type Topology, topologyOf } from './roster.ts'

/** What both halves derive from a session once its roster is known. */
export type Opened = { readonly coin: string; readonly beacon: string | null }

export type RosteredSession = {
  readonly configuration: SessionConfiguration
  readonly rosterHash: string
  readonly rows: readonly unknown[]
  readonly opened: Opened
}

export function chanceOf({ rosterHash, opened }: RosteredSession): Chance {
  const { coin, beacon } = opened
  return {
    rosterHash: bytes32(rosterHash),
    coin: bytes32(coin),
    beacon: beacon === null ? new Uint8Array(0) : bytes32(beacon),
  }
}

/** Every step asks for it, and rows stay the same object from step to step: so it is made once for them. */
const topologies = new WeakMap<readonly unknown[], { readonly of: string; readonly topology: Topology }>()

export function sessionTopology(crypto: Crypto, session: RosteredSession): Topology {
  const { configuration, rosterHash, opened, rows } = session
  const { graph } = configuration
  const degree = graph.kind === 'regular' ? graph.degree : 0
  const of = [degree, rows.length, rosterHash, opened.coin, opened.beacon].join()
  const known = topologies.get(rows)
  if (known?.of === of) return known.topology
  const topology = topologyOf(crypto, graph, chanceOf(session), rows.length)
  topologies.set(rows, { of, topology })
  return topology
}

export function maskContextOf(crypto: Crypto, { configuration, rosterHash }: RosteredSession): MaskContext {
  return {
    session: sessionBytes(configuration),
    configHash: configHashOf(crypto, configuration),
    rosterHash: bytes32(rosterHash),
  }
}

export function sessionBytes({ session }: SessionConfiguration): Uint8Array {
  return fromHex(session) ?? new Uint8Array(0)
}

/** Whether these are distinct indices below `count`, ascending. */
export function ascending(indices: readonly number[], count: number): boolean {
  return indices.every((index, i) => index < count && (i === 0 || index > (indices[i - 1] as number)))
}
