import type { SharedWeights } from '../pool/job.ts'

/** Rounds whose weights are kept: tasks of the last one may still be under way. */
const KEPT = 4

/** Weights in memory that threads share: one copy for all clients of a round. */
export class WeightsCache {
  readonly #kept = new Map<string, SharedWeights>()

  of(model: string, values: Float32Array): SharedWeights {
    const id = `${model}/${values.length}`
    const known = this.#kept.get(id)
    if (known !== undefined) return known
    const made = { id, values: shareable(values) }
    this.#kept.set(id, made)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break
      this.#kept.delete(oldest)
    }
    return made
  }
}

/** The same values where threads share them: as they are where they lie so already. */
export function shareable(values: Float32Array): Float32Array {
  if (values.buffer instanceof SharedArrayBuffer) return values
  const shared = new Float32Array(new SharedArrayBuffer(values.byteLength))
  shared.set(values)
  return shared
}
