import type { ExtraRows } from '../../core/aggregation/rule.ts'
import type { ServerOptimizer } from '../../core/aggregation/server/optimizer.ts'
import { bytesView, float32View } from '../../core/encoding/bytes.ts'
import { type FrozenTensor, frozenIn } from '../../core/plan/freeze.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { BlobStore, BlobWriter } from '../store/ports.ts'
import type { AggregationMemory, VectorRef } from './memory.ts'
import { TILE, type Tile, tileCount, tileLength } from './tiles.ts'

export type NextModelInput = {
  readonly blobs: Pick<BlobStore, 'read' | 'create'>
  /** The model file that the updates were trained from. */
  readonly model: VectorRef
  readonly parameters: number
  readonly optimizer: { readonly optimizer: ServerOptimizer<unknown>; readonly options: unknown }
  readonly memory: AggregationMemory
  readonly clients: readonly string[]
  /** What the rule wants to find in the next round. */
  readonly carry: keyof ExtraRows | undefined
  /** The second half of the model are SCAFFOLD's control variates. */
  readonly control?: {
    /** Share of the federation's clients that sent an update. */
    readonly share: number
    /** The header of a model file of the first half. */
    readonly header: Uint8Array
  }
  /** What stays as it is in the model. */
  readonly frozen?: readonly FrozenTensor[]
}

/** Writes what a round makes, tile by tile: the model, the server optimizer's vectors, what the rule carries. */
export class NextModel {
  readonly #input: NextModelInput
  readonly #headerBytes: number
  /** Values that the server optimizer moves: all, or the first half where the second are control variates. */
  readonly #weights: number
  readonly #sides: readonly [Side, Side]
  readonly #model: BlobWriter
  readonly #plain: BlobWriter | undefined
  readonly #state: readonly BlobWriter[]
  readonly #center: BlobWriter | undefined
  readonly #histories: readonly BlobWriter[]
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(input: NextModelInput, writers: readonly BlobWriter[]) {
    this.#input = input
    this.#headerBytes = input.model.bytes - 4 * input.parameters
    this.#weights = weightsOf(input)
    const states = input.optimizer.optimizer.state.length
    const length = Math.min(TILE, input.parameters)
    this.#sides = [sideOf(length, states), sideOf(length, states)]
    const [model, ...rest] = writers
    this.#model = model as BlobWriter
    this.#plain = input.control === undefined ? undefined : rest.shift()
    this.#state = rest.splice(0, states)
    this.#center = input.carry === 'center' ? rest.shift() : undefined
    this.#histories = rest
  }

  static async open(input: NextModelInput): Promise<NextModel> {
    const { blobs, model, parameters, optimizer, control, carry, clients } = input
    const count =
      1 +
      (control === undefined ? 0 : 1) +
      optimizer.optimizer.state.length +
      (carry === 'center' ? 1 : carry === 'histories' ? clients.length : 0)
    const writers: BlobWriter[] = []
    try {
      for (let k = 0; k < count; k++) writers.push(await blobs.create())
      const next = new NextModel(input, writers)
      await next.#model.write(await blobs.read(model.digest, 0, model.bytes - 4 * parameters))
      if (control !== undefined) await next.#plain?.write(control.header)
      return next
    } catch (failure) {
      for (const writer of writers) await writer.release()
      throw failure
    }
  }

  /** Whether `write` needs the coordinates of every update. */
  get wantsUpdates(): boolean {
    return this.#histories.length > 0
  }

  /** Reads what belongs to tile `index` of the present model, while the aggregate is worked out. */
  async prefetch(index: number): Promise<void> {
    const { blobs, model, parameters, memory } = this.#input
    if (index >= tileCount(parameters)) return
    // What is still being written of the tile before the last lies in the same memory.
    await this.#writing
    const side = this.#side(index)
    const offset = index * SEGMENT_BYTES
    const moved = this.#moved(index)
    await Promise.all([
      blobs.read(model.digest, this.#headerBytes + offset, 4 * tileLength(parameters, index), bytesView(side.weights)),
      ...memory.optimizer.map(async ({ digest }, k) => {
        if (moved > 0) await blobs.read(digest, offset, 4 * moved, bytesView(side.state[k] as Float32Array))
      }),
    ])
  }

  /** Takes the aggregate of one tile, whose rows begin with the updates where `wantsUpdates`. */
  async write(tile: Tile, aggregate: Float64Array): Promise<void> {
    const { optimizer, control } = this.#input
    const side = this.#side(tile.index)
    const moved = this.#moved(tile.index)
    const state = side.state.map((vector) => vector.subarray(0, moved))
    if (this.#input.memory.optimizer.length === 0) this.#startState(state)
    optimizer.optimizer.apply(optimizer.options, {
      weights: side.weights.subarray(0, moved),
      aggregate: aggregate.subarray(0, moved),
      out: side.out.subarray(0, moved),
      state,
    })
    for (let j = moved; j < tile.length; j++) {
      side.out[j] = (side.weights[j] as number) + (control?.share ?? 1) * (aggregate[j] as number)
    }
    // The very bytes: zero added to −0 is another zero.
    for (const [begin, end] of frozenIn(this.#input.frozen ?? [], tile.index * TILE, tile.length)) {
      side.out.set(side.weights.subarray(begin, end), begin)
    }
    await this.#writing
    this.#writing = Promise.all([
      this.#model.write(bytesView(side.out.subarray(0, tile.length))),
      moved > 0 ? this.#plain?.write(bytesView(side.out.subarray(0, moved))) : undefined,
      ...this.#state.map((writer, k) => writer.write(bytesView(state[k] as Float32Array))),
      this.#center?.write(bytesView(Float32Array.from(aggregate))),
      ...this.#histories.map((writer, i) => this.#writeHistory(writer, i, tile)),
    ])
    this.#writing.catch(() => {})
  }

  /** Makes everything durable; `numbers` is what the rule wants to be remembered. */
  async commit(numbers: readonly number[]) {
    await this.#writing
    const { model, parameters, memory, clients, control } = this.#input
    const vector = (digest: string, length = parameters): VectorRef => ({ digest, bytes: 4 * length })
    const made = { digest: await this.#model.commit(), bytes: model.bytes }
    const plain = await this.#plain?.commit()
    const optimizer: VectorRef[] = []
    for (const writer of this.#state) optimizer.push(vector(await writer.commit(), this.#weights))
    const center = await this.#center?.commit()
    const seen = new Map(memory.histories?.map(({ client, vector }) => [client, vector]))
    for (const [i, writer] of this.#histories.entries()) seen.set(clients[i] as string, vector(await writer.commit()))
    const histories = [...seen].map(([client, vector]) => ({ client, vector }))
    const next: AggregationMemory = {
      optimizer,
      ...(center === undefined ? {} : { center: vector(center) }),
      ...(histories.length === 0 ? {} : { histories }),
      numbers,
    }
    const headerBytes = control?.header.length ?? 0
    const weights = plain === undefined ? {} : { weights: { digest: plain, bytes: headerBytes + 4 * this.#weights } }
    return { model: made, ...weights, memory: next }
  }

  /** Keeps nothing that was not committed. May be called at any time. */
  async release(): Promise<void> {
    await this.#writing.catch(() => {})
    const writers = [this.#model, this.#plain, ...this.#state, this.#center, ...this.#histories]
    for (const writer of writers) await writer?.release()
  }

  #side(index: number): Side {
    return index % 2 === 0 ? this.#sides[0] : this.#sides[1]
  }

  /** Values of tile `index` that the server optimizer moves; they come first. */
  #moved(index: number): number {
    return Math.max(0, Math.min(tileLength(this.#input.parameters, index), this.#weights - index * TILE))
  }

  #startState(state: readonly Float32Array[]): void {
    const { optimizer, options } = this.#input.optimizer
    const start = optimizer.start(options)
    for (const [k, vector] of state.entries()) vector.fill(start[k] as number)
  }

  async #writeHistory(writer: BlobWriter, i: number, tile: Tile): Promise<void> {
    const { blobs, memory, clients } = this.#input
    const known = memory.histories?.find(({ client }) => client === clients[i])?.vector
    // Taken before the first wait: the tile's rows are read over afterwards.
    const sum = Float32Array.from(tile.values(i))
    if (known !== undefined) {
      const past = float32View(await blobs.read(known.digest, tile.index * SEGMENT_BYTES, sum.byteLength))
      for (let j = 0; j < sum.length; j++) sum[j] = (sum[j] as number) + (past[j] as number)
    }
    await writer.write(bytesView(sum))
  }
}

/** Memory of one tile, used for every other one: fresh memory costs more than the arithmetic. */
type Side = {
  readonly weights: Float32Array
  readonly out: Float32Array
  readonly state: readonly Float32Array[]
}

function sideOf(length: number, states: number): Side {
  return {
    weights: new Float32Array(length),
    out: new Float32Array(length),
    state: Array.from({ length: states }, () => new Float32Array(length)),
  }
}

function weightsOf({ parameters, control }: NextModelInput): number {
  return control === undefined ? parameters : parameters / 2
}
