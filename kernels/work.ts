import { nodeCrypto } from '../core/crypto/node.ts'
import { maskStream } from '../core/secagg/masks.ts'
import type { Exports } from './wasm.ts'

/**
 * A job as threads share it: plain numbers, addresses in bytes. Columns are cut into chunks, which threads claim one
 * after the other; chunks are cut into steps, after which a thread may turn to something else for a while.
 */
export type Work = {
  readonly length: number
  /** Columns of a chunk. */
  readonly chunk: number
  readonly control: Control
} & (GramWork | CombineWork | ColumnsWork | DotsWork | SignsWork | MasksWork)

export type GramWork = {
  readonly kind: 'gram'
  /** Address of n addresses (u32), as in the other kinds. */
  readonly rows: number
  readonly n: number
  readonly from: number
  /** Sums of a chunk, (n − from) × n float64 each, zeros at first; chunk c uses slot c mod `slots`. */
  readonly partials: number
  readonly slots: number
  /** The sum of all chunks, (n − from) × n float64, zeros at first. */
  readonly sum: number
}

export type CombineWork = {
  readonly kind: 'combine'
  readonly rows: number
  readonly n: number
  readonly weights: number
  readonly out: number
  /** Address of `dottedRows` addresses: rows that are multiplied with what comes out, and n float64 for each chunk, zeros at first. */
  readonly dotted: number
  readonly dottedRows: number
  readonly partials: number
}

export type ColumnsWork = {
  readonly kind: 'columns'
  readonly rows: number
  readonly n: number
  readonly mix: number
  readonly m: number
  readonly program: number
  readonly programEnd: number
  readonly low: number
  readonly high: number
  readonly keep: number
  /** One address for each thread. */
  readonly scratch: readonly number[]
  readonly step: number
  readonly out: number
}

export type DotsWork = {
  readonly kind: 'dots'
  readonly rows: number
  readonly n: number
  readonly vector: number
  /** n float64 for each chunk, zeros at first. */
  readonly out: number
}

export type SignsWork = {
  readonly kind: 'signs'
  readonly row: number
  /** Two u32 for each chunk. */
  readonly out: number
}

export type MasksWork = {
  readonly kind: 'masks'
  /** Address of lanes (u32) to which keystreams are added. */
  readonly lanes: number
  /** The lane of the keystreams that belongs to the first of them. */
  readonly offset: number
  /** 32 bytes each, and whether they are taken away instead. Secrets: they travel to the threads and nowhere else. */
  readonly keys: readonly Uint8Array[]
  readonly negative: readonly boolean[]
  /** Memory for `PIECE_LANES` of a keystream, for each thread. */
  readonly scratch: readonly { readonly address: number; readonly bytes: Uint8Array }[]
}

/** What the threads of one job tell each other. It lies outside the kernels' memory, which may grow meanwhile. */
export type Control = Int32Array<SharedArrayBuffer>

const NEXT = 0
const STOPPED = 1
/** Gram: how many chunks have been added up, always the first ones. */
const ADDED = 2
const ADDING = 3
/** Gram: for each slot the number of the chunk that it holds, plus one. */
const FILLED = 4

export function newControl(slots = 0): Control {
  return new Int32Array(new SharedArrayBuffer(4 * (FILLED + slots)))
}

/** Makes every thread leave the job soon. */
export function stop(control: Control): void {
  Atomics.store(control, STOPPED, 1)
  Atomics.notify(control, ADDED)
}

const STRIP = 1024
const COMBINE_STEP = 8192
/** 64 KiB: lanes, a keystream and what the cipher reads and writes stay in the second cache together. */
export const PIECE_LANES = 16 * 1024
/** Keystreams that are open at a time: each goes over all pieces of a chunk, whose lanes are still in the cache. */
const MASKS_AT_ONCE = 256
/** Products of one call of the Gram kernel: about a millisecond. */
const GRAM_PRODUCTS = 12_000_000

/** Works on chunks until none is left. Yields after every millisecond or so. */
export function* run(kernels: Exports, work: Work, thread: number): Generator<void> {
  const { control, chunk, length } = work
  const chunks = Math.ceil(length / chunk)
  for (;;) {
    const index = Atomics.add(control, NEXT, 1)
    if (index >= chunks || Atomics.load(control, STOPPED) === 1) return
    const begin = index * chunk
    const end = Math.min(length, begin + chunk)
    switch (work.kind) {
      case 'gram':
        yield* gramChunk(kernels, work, index, begin, end)
        break
      case 'combine':
        yield* combineChunk(kernels, work, index, begin, end)
        break
      case 'columns':
        for (let at = begin; at < end; at += work.step) {
          columnsStep(kernels, work, at, Math.min(work.step, end - at), work.scratch[thread] ?? 0)
          yield
        }
        break
      case 'dots':
        for (let at = begin; at < end; at += STRIP) {
          const out = work.out + 8 * index * work.n
          kernels.dots(work.rows, work.n, work.vector, at, Math.min(STRIP, end - at), out)
          yield
        }
        break
      case 'signs':
        kernels.signs(work.row, begin, end - begin, work.out + 8 * index)
        yield
        break
      case 'masks':
        yield* masksChunk(kernels, work, thread, begin, end)
        break
    }
  }
}

function* combineChunk(
  kernels: Exports,
  work: CombineWork,
  index: number,
  begin: number,
  end: number,
): Generator<void> {
  const { rows, weights, n, out, dotted, dottedRows, partials } = work
  const step = dottedRows === 0 ? COMBINE_STEP : STRIP
  for (let at = begin; at < end; at += step) {
    const columns = Math.min(step, end - at)
    kernels.combine(rows, weights, n, at, columns, out)
    if (dottedRows > 0) kernels.dots(dotted, dottedRows, out, at, columns, partials + 8 * index * dottedRows)
    yield
  }
}

function* masksChunk(kernels: Exports, work: MasksWork, thread: number, begin: number, end: number): Generator<void> {
  const { lanes, offset, keys, negative } = work
  const scratch = work.scratch[thread]
  if (scratch === undefined) throw new RangeError(`no memory for thread ${thread}`)
  for (let first = 0; first < keys.length; first += MASKS_AT_ONCE) {
    const streams = keys.slice(first, first + MASKS_AT_ONCE).map((key) => maskStream(nodeCrypto, key, offset + begin))
    for (let at = begin; at < end; at += PIECE_LANES) {
      const length = Math.min(PIECE_LANES, end - at)
      for (const [i, stream] of streams.entries()) {
        scratch.bytes.set(stream.next(4 * length))
        kernels.addLanes(lanes + 4 * at, scratch.address, length, negative[first + i] ? 1 : 0)
      }
      yield
    }
  }
}

function columnsStep(kernels: Exports, work: ColumnsWork, begin: number, columns: number, scratch: number): void {
  const { rows, n, mix, m, program, programEnd, low, high, keep, out } = work
  kernels.columns(rows, n, begin, columns, mix, m, program, programEnd, low, high, keep, scratch, out)
}

function* gramChunk(
  kernels: Exports,
  work: GramWork & { readonly control: Control },
  index: number,
  begin: number,
  end: number,
): Generator<void> {
  const { control, rows, n, from, slots } = work
  // The slot is free when the chunk that used it last has been added up.
  for (;;) {
    const added = Atomics.load(control, ADDED)
    if (added > index - slots) break
    if (Atomics.load(control, STOPPED) === 1) return
    Atomics.wait(control, ADDED, added)
  }
  const count = (n - from) * n
  const partial = work.partials + 8 * count * (index % slots)
  const height = Math.max(3, Math.floor(GRAM_PRODUCTS / (STRIP * n * 3)) * 3)
  for (let at = begin; at < end; at += STRIP) {
    const columns = Math.min(STRIP, end - at)
    for (let first = from; first < n; first += height) {
      const out = partial + 8 * (first - from) * n
      kernels.gram(rows, n, first, Math.min(n, first + height), at, columns, out)
      yield
    }
  }
  Atomics.store(control, FILLED + (index % slots), index + 1)
  addFilled(kernels, work)
}

/** Adds up the chunks whose turn has come; threads that come while one does that leave it to that one. */
function addFilled(kernels: Exports, work: GramWork & { readonly control: Control }): void {
  const { control, slots } = work
  const count = (work.n - work.from) * work.n
  const isFilled = (index: number) => Atomics.load(control, FILLED + (index % slots)) === index + 1
  while (isFilled(Atomics.load(control, ADDED)) && Atomics.compareExchange(control, ADDING, 0, 1) === 0) {
    for (let index = Atomics.load(control, ADDED); isFilled(index); index++) {
      kernels.move(work.sum, work.partials + 8 * count * (index % slots), count)
      Atomics.store(control, ADDED, index + 1)
      Atomics.notify(control, ADDED)
    }
    Atomics.store(control, ADDING, 0)
  }
}
