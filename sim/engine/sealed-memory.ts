import type { Kernels } from '../../kernels/index.ts'

/** Of the kernels' memory, which ends at 4 GiB, no more than so much: aggregation needs some for itself. */
const MOST_IN_KERNELS = 2 * 2 ** 30

/**
 * Memory for sealed updates, used again in every round: fresh memory costs more than anything that a simulation does to an
 * update. What was taken in a round is free again once the round is over. It lies in the kernels' memory where there is
 * room, so that an update is never copied on its way from the client to the rule.
 */
export class SealedMemory {
  readonly #kernels: Kernels
  readonly #free: Uint8Array[] = []
  readonly #taken: Uint8Array[] = []
  #inKernels = 0

  constructor(kernels: Kernels) {
    this.#kernels = kernels
  }

  readonly take = (length: number): Uint8Array => {
    const memory = this.#free.pop()
    const fits = memory?.length === length ? memory : this.#fresh(length)
    this.#taken.push(fits)
    return fits
  }

  roundOver(): void {
    this.#free.push(...this.#taken.splice(0))
  }

  #fresh(length: number): Uint8Array {
    if (this.#inKernels + length > MOST_IN_KERNELS) return new Uint8Array(length)
    this.#inKernels += length
    // Given back with all of the kernels' memory, when the simulation ends.
    return this.#kernels.allocate(length).uint8()
  }
}
