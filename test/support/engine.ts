import { serverOptimizerOf } from '../../core/aggregation/server/named.ts'
import { bytesView, concatBytes } from '../../core/encoding/bytes.ts'
import { aggregationSchema } from '../../core/plan/aggregation.ts'
import { writeHeader } from '../../core/tensors/safetensors.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { Kernels } from '../../kernels/index.ts'
import { type AggregationInput, aggregate } from '../../server/aggregation/aggregate.ts'
import { noMemory } from '../../server/aggregation/memory.ts'
import type { UpdateRow } from '../../server/aggregation/update-row.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { kernels as inlineKernels, storedWeights, tinyLayout } from './federation.ts'

export const TILE = SEGMENT_BYTES / 4

/** An update that lies in plain memory, as the engine sees one. */
export function rowOf(client: string, values: Float32Array, options: Partial<UpdateRow> = {}): UpdateRow {
  return {
    client,
    digest: `digest of ${client}`,
    samples: 10,
    steps: 1,
    norm: Math.hypot(...values.subarray(0, 50_000), 0),
    tile: async (index) => values.subarray(index * TILE, (index + 1) * TILE),
    ...options,
  }
}

export type EngineOptions = Partial<Omit<AggregationInput, 'rows'>> & {
  readonly store?: Store
  readonly base?: Float32Array
  readonly kernels?: Kernels
}

/** Aggregates rows as a plan's aggregation section says, from a model of zeros unless `base` is given. */
export async function aggregated(
  section: object,
  rows: readonly UpdateRow[],
  parameters: number,
  options: EngineOptions = {},
) {
  const store = options.store ?? memoryStore()
  const base = options.base ?? new Float32Array(parameters)
  const file = concatBytes(writeHeader(tinyLayout(parameters)), bytesView(base))
  const { before, rule, server } = aggregationSchema.parse(section)
  const input = {
    blobs: store.blobs,
    kernels: inlineKernels,
    model: { digest: await store.blobs.put(file), bytes: file.length },
    parameters,
    rows,
    section: { before, rule },
    optimizer: serverOptimizerOf(server),
    memory: noMemory,
    root: undefined,
    seed: 1,
    ...options,
  }
  const result = await aggregate(input)
  return { ...result, store, base: input.model, values: await storedWeights(store, result.model.digest, parameters) }
}
