import type { ExtraRows } from '../../core/aggregation/rule.ts'
import { float32View } from '../../core/encoding/bytes.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore } from '../store/ports.ts'
import type { AggregationMemory, VectorRef } from './memory.ts'
import { TILE, tileLength } from './tiles.ts'
import type { VectorRow } from './update-row.ts'

/** A row that no client sent. */
export type ExtraRow = VectorRow & { readonly digest: string }

export type ExtraInput = {
  readonly blobs: Pick<BlobStore, 'read'>
  readonly parameters: number
  /** In the order of the updates. */
  readonly clients: readonly string[]
  readonly memory: AggregationMemory
  /** The coordinator's own update, where the rule asks for it. */
  readonly root: VectorRef | undefined
}

/** The rows that a rule asks for beside the updates, and where they lie behind them. */
export function extraRowsOf(
  wanted: keyof ExtraRows | undefined,
  input: ExtraInput,
): { readonly rows: readonly ExtraRow[]; readonly places: ExtraRows } {
  const { clients, memory } = input
  const n = clients.length
  const row = (name: string, vector: VectorRef | undefined) => extraRow(input, name, vector)
  switch (wanted) {
    case undefined:
      return { rows: [], places: {} }
    case 'root':
      return { rows: [row('root', input.root)], places: { root: n } }
    case 'center':
      return { rows: [row('center', memory.center)], places: { center: n } }
    case 'histories': {
      const known = new Map(memory.histories?.map(({ client, vector }) => [client, vector]))
      return {
        rows: clients.map((client) => row(`history ${client}`, known.get(client))),
        places: { histories: clients.map((_, i) => n + i) },
      }
    }
    default:
      return wanted satisfies never
  }
}

/** A stored vector as a row; zeros where there is none yet. */
function extraRow({ blobs, parameters }: ExtraInput, name: string, vector: VectorRef | undefined): ExtraRow {
  const scratch = new Uint8Array(4 * Math.min(TILE, parameters))
  return {
    digest: name,
    tile: async (index) => {
      const bytes = 4 * tileLength(parameters, index)
      if (vector === undefined) return float32View(scratch.subarray(0, bytes).fill(0))
      return float32View(await blobs.read(vector.digest, index * SEGMENT_BYTES, bytes, scratch))
    },
  }
}
