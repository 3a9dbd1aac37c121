import { float32View } from '../../../core/encoding/bytes.ts'
import { SEGMENT_BYTES } from '../../../core/wire/limits.ts'
import type { UpdateRow } from '../../aggregation/update-row.ts'
import type { BlobStore } from '../../store/ports.ts'
import type { OpenedSum } from './masking.ts'

/** The mean of a bucket as a row of the round's matrix: what the rule sees instead of single updates. */
export function sumRowOf(blobs: Pick<BlobStore, 'read'>, { name, vector, weight, norm }: OpenedSum): UpdateRow {
  return {
    client: name,
    digest: vector.digest,
    samples: weight,
    steps: 1,
    norm,
    tile: async (index) => {
      const offset = index * SEGMENT_BYTES
      return float32View(await blobs.read(vector.digest, offset, Math.min(SEGMENT_BYTES, vector.bytes - offset)))
    },
  }
}
