import type { Crypto } from '../crypto/primitives.ts'
import { type Chance, permutationOf, ringSeed } from './buckets.ts'
import { bytes32 } from './bytes32.ts'
import type { SessionConfiguration } from './configuration.ts'
import type { RosterRow } from './messages.ts'
import { digestOf } from './transcript.ts'

/** The clients of a session in a fixed order, by id, and who holds whose shares. A client's index is its row; its point is one more. */
export function sortedRows<Row extends { readonly client: string }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => (a.client < b.client ? -1 : 1))
}

/** The ids of these roster indices, which are below the number of rows. */
export function idsOf(rows: readonly { readonly client: string }[], indices: readonly number[]): string[] {
  return indices.map((index) => rows[index]?.client ?? '')
}

export function pointOf(index: number): number {
  return index + 1
}

/** SHA-256 over the configuration's hash and all rows without their signatures, in order: what is bound to it is bound to both. */
export function rosterHashOf(
  crypto: Crypto,
  configHash: Uint8Array,
  rows: readonly Omit<RosterRow, 'signature'>[],
): Uint8Array {
  const fields = rows.flatMap((row) => [
    row.client,
    bytes32(row.identityKey),
    bytes32(row.channelKey),
    bytes32(row.maskKey),
    bytes32(row.seedHash),
    bytes32(row.coinHash),
  ])
  return digestOf(crypto, 'roster', configHash, ...fields)
}

/** Who is connected with whom in the graph of the cohort. */
export type Topology = {
  /** Roster indices of those that hold shares of client `index`, ascending; on a complete graph itself among them. */
  holdersOf(index: number): readonly number[]
  /** Where `holder` stands among those for whom client `index` seals shares: its holders without itself. */
  placeOf(index: number, holder: number): number
  /** Whether two different clients mask against each other, where there are no buckets. */
  adjacent(a: number, b: number): boolean
}

/** RangeError when a ring of `count` clients is too short for its degree. */
export function topologyOf(
  crypto: Crypto,
  graph: SessionConfiguration['graph'],
  chance: Chance,
  count: number,
): Topology {
  if (graph.kind === 'complete') {
    const everyone = Array.from({ length: count }, (_, i) => i)
    return {
      holdersOf: () => everyone,
      placeOf: (index, holder) => (holder < index ? holder : holder - 1),
      adjacent: (a, b) => a !== b,
    }
  }
  const half = graph.degree / 2
  if (count <= graph.degree) throw new RangeError(`a ring of ${count} clients has no degree ${graph.degree}`)
  const order = permutationOf(crypto, ringSeed(crypto, chance), count)
  const place = new Array<number>(count)
  for (const [at, index] of order.entries()) place[index] = at
  const known = new Map<number, readonly number[]>()
  const holdersOf = (index: number) => {
    const found = known.get(index)
    if (found !== undefined) return found
    const at = place[index] as number
    const neighbours: number[] = []
    for (let step = 1; step <= half; step++) {
      neighbours.push(order[(at + step) % count] as number, order[(at + count - step) % count] as number)
    }
    neighbours.sort((a, b) => a - b)
    known.set(index, neighbours)
    return neighbours
  }
  return {
    holdersOf,
    placeOf: (index, holder) => holdersOf(index).indexOf(holder),
    adjacent(a, b) {
      const distance = Math.abs((place[a] as number) - (place[b] as number))
      return a !== b && Math.min(distance, count - distance) <= half
    },
  }
}

/** Members that client `index` masks against: its bucket mates, or its neighbours where all members are one bucket. */
export function peersOf(
  topology: Topology,
  bucketed: boolean,
  buckets: readonly (readonly number[])[],
  index: number,
): number[] {
  const bucket = buckets.find((members) => members.includes(index)) ?? []
  return bucket.filter((other) => other !== index && (bucketed || topology.adjacent(index, other)))
}

/** Which shares `holder` gives: of no client both. `self` and `mask` are ascending. */
export type Revealed = { readonly self: readonly number[]; readonly mask: readonly number[] }

/**
 * Which secrets the coordinator needs at all: the seeds of survivors, and the mask keys of those members that dropped out
 * after a survivor had masked against them. A member is in one list at most, because it is a survivor or it is not.
 */
export function needed(
  topology: Topology,
  bucketed: boolean,
  buckets: readonly (readonly number[])[],
  survivors: ReadonlySet<number>,
): Revealed {
  const members = buckets.flat().sort((a, b) => a - b)
  return {
    self: members.filter((index) => survivors.has(index)),
    mask: members.filter(
      (index) =>
        !survivors.has(index) && peersOf(topology, bucketed, buckets, index).some((peer) => survivors.has(peer)),
    ),
  }
}

/** The part of what is needed of which `holder` has shares. */
export function heldBy(topology: Topology, of: Revealed, holder: number): Revealed {
  // Both graphs are symmetric: whom this client holds for are those that hold for it.
  const dealers = new Set(topology.holdersOf(holder))
  return { self: of.self.filter((index) => dealers.has(index)), mask: of.mask.filter((index) => dealers.has(index)) }
}
