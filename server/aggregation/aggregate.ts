import { bytesView, float32View } from '../../core/encoding/bytes.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore, Digest } from '../store/ports.ts'
import type { Reducer, Rule, UpdateRow } from './rule.ts'
import type { ServerOptimizer } from './server-optimizer.ts'

export type AggregationInput = {
  readonly blobs: Pick<BlobStore, 'read' | 'create'>
  /** The model file that the updates were trained from. */
  readonly model: { readonly digest: Digest; readonly bytes: number }
  /** Float32 values of the flat vector. */
  readonly parameters: number
  /** In the order of client ids. */
  readonly rows: readonly UpdateRow[]
  readonly rule: Rule
  readonly optimizer: ServerOptimizer
}

export type AggregationResult = {
  readonly model: { readonly digest: Digest; readonly bytes: number }
  /** Weight of each update in the result, in the order of the rows, where the rule gives whole rows a weight. */
  readonly weights: readonly number[] | undefined
}

/** Makes the next model file from a round's updates, one tile of 1 MiB at a time: memory does not grow with the model. */
export async function aggregate(input: AggregationInput): Promise<AggregationResult> {
  const { blobs, model, parameters, rows } = input
  const headerBytes = model.bytes - 4 * parameters
  const tiles = Math.ceil((4 * parameters) / SEGMENT_BYTES)
  const reducer = await input.rule(rows, tiles)
  const scratch = scratchOf(Math.min(parameters, SEGMENT_BYTES / 4))
  const writer = await blobs.create()
  try {
    await writer.write(await blobs.read(model.digest, 0, headerBytes))
    for (let index = 0; index < tiles; index++) {
      await writer.write(await makeTile(input, reducer, headerBytes, index, scratch))
    }
    return { model: { digest: await writer.commit(), bytes: model.bytes }, weights: reducer.weights }
  } catch (failure) {
    await writer.release()
    throw failure
  }
}

/** Memory of one tile, used for all of them: fresh memory costs more than the arithmetic. */
type Scratch = { readonly weights: Uint8Array; readonly aggregate: Float64Array; readonly out: Float32Array }

function scratchOf(length: number): Scratch {
  return {
    weights: new Uint8Array(4 * length),
    aggregate: new Float64Array(length),
    out: new Float32Array(length),
  }
}

/** The bytes of tile `index` of the new model. They lie in the scratch memory. */
async function makeTile(
  { blobs, model, parameters, rows, optimizer }: AggregationInput,
  reducer: Reducer,
  headerBytes: number,
  index: number,
  scratch: Scratch,
): Promise<Uint8Array> {
  const length = Math.min(SEGMENT_BYTES / 4, parameters - (index * SEGMENT_BYTES) / 4)
  const [weights, ...tiles] = await Promise.all([
    blobs.read(model.digest, headerBytes + index * SEGMENT_BYTES, 4 * length, scratch.weights),
    ...rows.map((row) => row.tile(index)),
  ])
  const aggregated = scratch.aggregate.subarray(0, length)
  const out = scratch.out.subarray(0, length)
  reducer.reduce(tiles, aggregated)
  optimizer.apply(float32View(weights), aggregated, out)
  return bytesView(out)
}
