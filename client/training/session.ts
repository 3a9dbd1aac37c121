import type { Batch } from './batches.ts'

/**
 * One training of a model on one engine, from the weights that it was begun with. Nothing here knows of epochs, of the pace or of
 * data: steps are asked for one by one.
 */
export interface TrainingSession {
  /**
   * One step of the optimizer along the gradient of the batch's mean loss; gives the sum of the losses. Where it is not finite
   * nothing is changed.
   */
  step(batch: Batch): number
  /**
   * Adds Σᵢ cᵢ·gᵢ / `divisor` to `gathered`, where gᵢ is the gradient of row i's loss and cᵢ = min(1, clip/‖gᵢ‖) (Abadi et al.,
   * CCS 2016); gives the sum of the losses. `divisor`: rows that a batch has on average.
   */
  addClipped(batch: Batch, clip: number, divisor: number): number
  /** What `addClipped` has added up since the last `applyGathered`, a flat vector, to add noise to. */
  readonly gathered: Float32Array
  /** One step of the optimizer along `gathered`, which begins anew. */
  applyGathered(): void
  /** The weights after the steps so far; valid until the next step or the end of the session. */
  readonly weights: Float32Array
  /** Gives back what the session holds. */
  end(): void
}
