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

/**
 * Makes the next model file from a round's updates, one tile of 1 MiB at a time: memory does not grow with the model.
 * While a tile is worked out, the next one is read and the last one is written.
 */
export async function aggregate(input: AggregationInput): Promise<AggregationResult> {
  const { blobs, model, parameters, rows } = input
  const headerBytes = model.bytes - 4 * parameters
  const tiles = Math.ceil((4 * parameters) / SEGMENT_BYTES)
  const reducer = await input.rule(rows, tiles)
  const scratch = scratchOf(Math.min(parameters, SEGMENT_BYTES / 4))
  const writer = await blobs.create()
  let reading: Promise<Tile> | undefined
  let writing: Promise<void> = Promise.resolve()
  try {
    await writer.write(await blobs.read(model.digest, 0, headerBytes))
    reading = readTile(input, headerBytes, 0, scratch)
    for (let index = 0; index < tiles; index++) {
      const tile: Tile = await reading
      if (index + 1 < tiles) reading = readTile(input, headerBytes, index + 1, scratch)
      const made = makeTile(input.optimizer, reducer, tile, scratch, index)
      await writing
      writing = writer.write(made)
    }
    await writing
    return { model: { digest: await writer.commit(), bytes: model.bytes }, weights: reducer.weights }
  } catch (failure) {
    await Promise.allSettled([reading, writing])
    await writer.release()
    throw failure
  }
}

/**
 * Memory of one tile, used for all of them: fresh memory costs more than the arithmetic. What is read ahead, and what is
 * still being written, takes turns.
 */
type Scratch = {
  readonly weights: readonly [Uint8Array, Uint8Array]
  readonly aggregate: Float64Array
  readonly out: readonly [Float32Array, Float32Array]
}

type Tile = { readonly length: number; readonly weights: Uint8Array; readonly rows: readonly Float32Array[] }

function scratchOf(length: number): Scratch {
  return {
    weights: [new Uint8Array(4 * length), new Uint8Array(4 * length)],
    aggregate: new Float64Array(length),
    out: [new Float32Array(length), new Float32Array(length)],
  }
}

async function readTile(
  { blobs, model, parameters, rows }: AggregationInput,
  headerBytes: number,
  index: number,
  scratch: Scratch,
): Promise<Tile> {
  const length = Math.min(SEGMENT_BYTES / 4, parameters - (index * SEGMENT_BYTES) / 4)
  const into = index % 2 === 0 ? scratch.weights[0] : scratch.weights[1]
  const [weights, ...tiles] = await Promise.all([
    blobs.read(model.digest, headerBytes + index * SEGMENT_BYTES, 4 * length, into),
    ...rows.map((row) => row.tile(index)),
  ])
  return { length, weights, rows: tiles }
}

/** The bytes of tile `index` of the new model. They lie in the scratch memory until the tile after the next. */
function makeTile(
  optimizer: ServerOptimizer,
  reducer: Reducer,
  { length, weights, rows }: Tile,
  scratch: Scratch,
  index: number,
): Uint8Array {
  const aggregated = scratch.aggregate.subarray(0, length)
  const out = (index % 2 === 0 ? scratch.out[0] : scratch.out[1]).subarray(0, length)
  reducer.reduce(rows, aggregated)
  optimizer.apply(float32View(weights), aggregated, out)
  return bytesView(out)
}
