import { availableParallelism } from 'node:os'
import { ParleyError } from '../core/errors/index.ts'
import { InlineQueue } from './inline.ts'
import type { Block, Kernels } from './kernels.ts'
import { SharedMemory } from './memory.ts'
import { columnsPlan, packedMix } from './plan.ts'
import { Pool } from './pool.ts'
import { instantiate, kernelModule } from './wasm.ts'
import { newControl, PIECE_LANES, type Work } from './work.ts'

export type KernelOptions = {
  /**
   * Worker threads: by default as many as the machine has processors, at most 8. With 0 there are none, and every job is
   * done on the calling thread, in slices of at most 5 ms.
   */
  readonly threads?: number
  /** Limit of the memory of blocks; by default, and at most, 4 GiB less 64 KiB. */
  readonly maxBytes?: number
  /** Jobs that would take less than so many milliseconds are done at once on the calling thread; 2 by default. */
  readonly inlineBelow?: number
}

const MAX_THREADS = 8

/** Columns of a chunk. Those of `gram`, `dots` and `combine` decide in which order is added up: other numbers, other last bits. */
const CHUNK = { gram: 4096, combine: 16_384, columns: 2048, dots: 16_384, signs: 131_072, masks: 32_768 } as const

/** Fails with `internal` where dist/kernels/kernels.wasm is missing. Starts no thread yet. */
export function createKernels(options: KernelOptions = {}): Kernels {
  try {
    return new SharedKernels(options)
  } catch (thrown) {
    throw ParleyError.from(thrown)
  }
}

class SharedKernels implements Kernels {
  readonly threads: number
  readonly #memory: SharedMemory
  readonly #pool: Pool
  readonly #inline: InlineQueue
  readonly #inlineBelow: number
  #closed = false

  constructor({ threads, maxBytes, inlineBelow = 2 }: KernelOptions) {
    this.threads = threads ?? Math.min(MAX_THREADS, availableParallelism())
    this.#inlineBelow = inlineBelow
    this.#memory = new SharedMemory(maxBytes)
    const module = kernelModule()
    this.#pool = new Pool(this.threads, module, this.#memory.memory)
    this.#inline = new InlineQueue(instantiate(module, this.#memory.memory))
  }

  allocate(bytes: number): Block {
    return this.#memory.allocate(bytes)
  }

  addressOf(values: Float32Array): number | undefined {
    return this.#memory.addressOf(values)
  }

  async gram({ rows, from, length, out }: Parameters<Kernels['gram']>[0]): Promise<void> {
    const n = rows.length
    must(out.length === n * n, `a Gram matrix of ${n} rows has ${n * n} products, not ${out.length}`)
    must(Number.isInteger(from) && from >= 0, `from: ${from}`)
    if (from >= n) return
    const height = n - from
    const products = ((n * (n + 1) - from * (from + 1)) / 2) * length
    await this.#job(length, products / 12e6, async (scratch, start) => {
      const sum = scratch.zeros(8 * height * n)
      // A thread that is late holds up the others only when it is a whole round behind.
      const slots = 2 * Math.max(1, this.threads)
      const partials = scratch.zeros(8 * height * n * slots).address
      const table = scratch.uint32(rows)
      const control = newControl(slots)
      await start({
        kind: 'gram',
        length,
        chunk: CHUNK.gram,
        control,
        rows: table,
        n,
        from,
        partials,
        slots,
        sum: sum.address,
      })
      const sums = sum.float64()
      for (let i = from; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          const value = (out[i * n + j] as number) + (sums[(i - from) * n + j] as number)
          out[i * n + j] = value
          out[j * n + i] = value
        }
      }
    })
  }

  async combine(job: Parameters<Kernels['combine']>[0]): Promise<Float64Array> {
    const { rows, weights, length, out, products = [] } = job
    must(weights.length === rows.length, `${weights.length} weights for ${rows.length} rows`)
    const used = rows.filter((_, i) => weights[i] !== 0)
    const n = used.length
    const sums = new Float64Array(products.length)
    await this.#job(length, ((n + products.length) * length) / 4e6, async (scratch, start) => {
      const table = scratch.uint32(used)
      const factors = scratch.float64(weights.filter((weight) => weight !== 0))
      const partials = scratch.zeros(8 * products.length * Math.ceil(length / CHUNK.combine))
      await start({
        kind: 'combine',
        length,
        chunk: CHUNK.combine,
        control: newControl(),
        rows: table,
        n,
        weights: factors,
        out,
        dotted: scratch.uint32(products),
        dottedRows: products.length,
        partials: partials.address,
      })
      addUp(partials.float64(), sums)
    })
    return sums
  }

  async columns({ rows, mix, reduce, length, out }: Parameters<Kernels['columns']>[0]): Promise<void> {
    const n = rows.length
    const m = mix?.rows ?? 0
    const count = mix === undefined ? n : m
    must(count > 0 && n > 0, 'a reduction of no rows')
    must(mix === undefined || mix.values.length === m * n, `a mix of ${m} × ${n} coefficients`)
    const { program, comparators, low, high, keep } = columnsPlan(count, reduce)
    const estimate = (length * (comparators / 10 + n + (keep > 0 ? 4 * count : count) + n * m * 0.2)) / 2e6
    await this.#job(length, estimate, async (scratch, start) => {
      const step = n * m > 100_000 ? 32 : 128
      const bytes = this.#inline.kernels.tileBytes(n, m, step)
      const tiles = Array.from({ length: Math.max(1, this.threads) }, () => scratch.zeros(bytes).address)
      const table = scratch.uint32(rows)
      const coefficients = mix === undefined ? 0 : scratch.float32(packedMix(mix.values, m, n))
      const begin = scratch.uint32(program)
      await start({
        kind: 'columns',
        length,
        chunk: CHUNK.columns,
        control: newControl(),
        rows: table,
        n,
        mix: coefficients,
        m,
        program: begin,
        programEnd: begin + program.byteLength,
        low,
        high,
        keep,
        scratch: tiles,
        step,
        out,
      })
    })
  }

  async dots({ rows, vector, length }: Parameters<Kernels['dots']>[0]): Promise<Float64Array> {
    const n = rows.length
    const result = new Float64Array(n)
    await this.#job(length, (n * length) / 4e6, async (scratch, start) => {
      const table = scratch.uint32(rows)
      const partials = scratch.zeros(8 * n * Math.ceil(length / CHUNK.dots))
      await start({
        kind: 'dots',
        length,
        chunk: CHUNK.dots,
        control: newControl(),
        rows: table,
        n,
        vector,
        out: partials.address,
      })
      addUp(partials.float64(), result)
    })
    return result
  }

  async addMasks({ masks, lanes, offset }: Parameters<Kernels['addMasks']>[0]): Promise<void> {
    const { length } = lanes
    await this.#job(length, (masks.length * length) / 1e6, async (scratch, start) => {
      const there = scratch.zeros(4 * length)
      const bytes = new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength)
      there.uint8().set(bytes)
      const streams = Array.from({ length: Math.max(1, this.threads) }, () => scratch.zeros(4 * PIECE_LANES))
      try {
        await start({
          kind: 'masks',
          length,
          chunk: CHUNK.masks,
          control: newControl(),
          lanes: there.address,
          offset,
          keys: masks.map(({ key }) => key),
          negative: masks.map(({ sign }) => sign === -1),
          scratch: streams.map((block) => ({ address: block.address, bytes: block.uint8() })),
        })
        bytes.set(there.uint8())
      } finally {
        // Masks are secrets, and so are sums that only some of them are in; the memory is shared with everything that aggregates.
        for (const block of [there, ...streams]) block.uint8().fill(0)
      }
    })
  }

  async signs({ row, length }: Parameters<Kernels['signs']>[0]): Promise<{ positive: number; negative: number }> {
    let positive = 0
    let negative = 0
    await this.#job(length, length / 5e6, async (scratch, start) => {
      const counts = scratch.zeros(8 * Math.ceil(length / CHUNK.signs))
      await start({
        kind: 'signs',
        length,
        chunk: CHUNK.signs,
        control: newControl(),
        row,
        out: counts.address,
      })
      const bytes = counts.uint8()
      new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).forEach((value, at) => {
        if (at % 2 === 0) positive += value
        else negative += value
      })
    })
    return { positive, negative }
  }

  subtract({ out, before, length }: Parameters<Kernels['subtract']>[0]): boolean {
    return this.#inline.kernels.subtract(out, before, length) === 1
  }

  squares({ row, length }: Parameters<Kernels['squares']>[0]): number {
    return this.#inline.kernels.squares(row, length)
  }

  addLanes({ out, other, length, sign }: Parameters<Kernels['addLanes']>[0]): void {
    this.#inline.kernels.addLanes(out, other, length, sign === 1 ? 0 : 1)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([this.#pool.close(), this.#inline.idle()])
  }

  /** @param estimate milliseconds on one thread */
  async #job(
    length: number,
    estimate: number,
    body: (scratch: Scratch, start: (work: Work) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    if (this.#closed) throw new ParleyError('interrupted', 'the kernels are closed')
    must(Number.isSafeInteger(length) && length >= 0, `a length of ${length}`)
    if (length === 0) return
    const scratch = new Scratch(this.#memory)
    try {
      await body(scratch, async (work) => {
        if (estimate < this.#inlineBelow) this.#inline.atOnce(work)
        else if (this.threads === 0) await this.#inline.run(work)
        else await this.#pool.run(work)
      })
    } catch (thrown) {
      throw ParleyError.from(thrown)
    } finally {
      scratch.release()
    }
  }
}

/** Adds the products of chunk after chunk to `sums`, one for each row. */
function addUp(partials: Float64Array, sums: Float64Array): void {
  const { length } = sums
  for (let at = 0; at < partials.length; at += length) {
    for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + (partials[at + i] as number)
  }
}

/** Blocks for the time of one job. */
class Scratch {
  readonly #memory: SharedMemory
  readonly #blocks: Block[] = []

  constructor(memory: SharedMemory) {
    this.#memory = memory
  }

  zeros(bytes: number): Block {
    const block = this.#memory.allocate(bytes)
    this.#blocks.push(block)
    return block
  }

  uint32(values: ArrayLike<number>): number {
    const { address } = this.zeros(4 * values.length)
    new Uint32Array(this.#memory.memory.buffer, address, values.length).set(values)
    return address
  }

  float32(values: Float32Array): number {
    const block = this.zeros(4 * values.length)
    block.float32().set(values)
    return block.address
  }

  float64(values: Float64Array): number {
    const block = this.zeros(8 * values.length)
    block.float64().set(values)
    return block.address
  }

  release(): void {
    for (const block of this.#blocks) block.release()
  }
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new ParleyError('internal', `kernels: ${message}`)
}
