import { ParleyError } from '../core/errors/index.ts'
import type { Block } from './kernels.ts'

const PAGE = 65536
/** One page less than 4 GiB: so the address behind the last byte is still a number of 32 bits. */
export const MAX_BYTES = 65535 * PAGE

/** Whatever a compiled module may keep for itself lies below; no block does. */
const FIRST = PAGE
const LINE = 64
/** What the memory grows by at least, where its limit lets it: growing interrupts every thread. */
const GROWTH_PAGES = 256

type Gap = { address: number; size: number }

/**
 * Hands out blocks of one memory that all threads see.
 *
 * Free memory is always zero: fresh pages are, and a released block is overwritten. The first gap that fits is taken;
 * gaps that touch become one. A block takes an odd number of cache lines of 64 bytes, so blocks of one size that follow
 * each other do not start in the same set of the cache: a kernel walks a hundred of them side by side.
 */
export class SharedMemory {
  readonly memory: WebAssembly.Memory
  readonly #maxPages: number
  /** In ascending order; no two touch each other or `#top`. */
  readonly #gaps: Gap[] = []
  /** The memory has another buffer object whenever it has grown; views of the earlier ones are views of it still. */
  readonly #known = new WeakSet<ArrayBufferLike>()
  /** Everything from here on is free. */
  #top = FIRST

  /** @param maxBytes limit of the whole memory, of which the first 64 KiB are never handed out */
  constructor(maxBytes = MAX_BYTES) {
    this.#maxPages = Math.max(1, Math.floor(Math.min(maxBytes, MAX_BYTES) / PAGE))
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: this.#maxPages, shared: true })
  }

  /** A block of zeros. Fails with `kernels.memory-full` at the limit. */
  allocate(bytes: number): Block {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new ParleyError('internal', `a block of ${bytes} bytes`)
    const lines = Math.max(1, Math.ceil(bytes / LINE))
    const size = (lines % 2 === 0 ? lines + 1 : lines) * LINE
    const address = this.#fromGap(size) ?? this.#fromTop(size, bytes)
    return new SharedBlock(this.memory, address, bytes, () => this.#free(address, size))
  }

  /** The address of values in this memory; undefined for any other. */
  addressOf(values: Float32Array): number | undefined {
    this.#known.add(this.memory.buffer)
    return this.#known.has(values.buffer) ? values.byteOffset : undefined
  }

  #fromGap(size: number): number | undefined {
    const index = this.#gaps.findIndex((gap) => gap.size >= size)
    const gap = this.#gaps[index]
    if (gap === undefined) return undefined
    const { address } = gap
    gap.address += size
    gap.size -= size
    if (gap.size === 0) this.#gaps.splice(index, 1)
    return address
  }

  #fromTop(size: number, bytes: number): number {
    const address = this.#top
    const pages = this.memory.buffer.byteLength / PAGE
    const needed = Math.ceil((address + size) / PAGE)
    if (needed > pages) {
      if (needed > this.#maxPages) throw full(bytes, this.#maxPages)
      this.#known.add(this.memory.buffer)
      try {
        this.memory.grow(Math.min(this.#maxPages, Math.max(needed, pages + GROWTH_PAGES)) - pages)
      } catch (cause) {
        throw full(bytes, this.#maxPages, cause)
      }
    }
    this.#top = address + size
    return address
  }

  #free(address: number, size: number): void {
    new Uint8Array(this.memory.buffer, address, size).fill(0)
    const gaps = this.#gaps
    const index = firstFrom(gaps, address)
    const before = gaps[index - 1]
    const after = gaps[index]
    const touchesBefore = before !== undefined && before.address + before.size === address
    const touchesAfter = after !== undefined && address + size === after.address
    if (touchesBefore) {
      before.size += size + (touchesAfter ? after.size : 0)
      if (touchesAfter) gaps.splice(index, 1)
    } else if (touchesAfter) {
      after.address = address
      after.size += size
    } else {
      gaps.splice(index, 0, { address, size })
    }
    const last = gaps.at(-1)
    if (last !== undefined && last.address + last.size === this.#top) {
      this.#top = last.address
      gaps.pop()
    }
  }
}

/** The index of the first gap at or behind an address. */
function firstFrom(gaps: readonly Gap[], address: number): number {
  let low = 0
  let high = gaps.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((gaps[middle]?.address ?? address) < address) low = middle + 1
    else high = middle
  }
  return low
}

function full(bytes: number, pages: number, cause?: unknown): ParleyError {
  const mebibytes = (pages * PAGE) / 1024 ** 2
  const message = `the kernels' memory, ${mebibytes} MiB at most, has no room for another ${bytes} bytes`
  return new ParleyError('kernels.memory-full', message, cause === undefined ? {} : { cause })
}

class SharedBlock implements Block {
  readonly address: number
  readonly bytes: number
  readonly #memory: WebAssembly.Memory
  #free: (() => void) | undefined

  constructor(memory: WebAssembly.Memory, address: number, bytes: number, free: () => void) {
    this.#memory = memory
    this.address = address
    this.bytes = bytes
    this.#free = free
  }

  float32(): Float32Array {
    return new Float32Array(this.#buffer(), this.address, Math.floor(this.bytes / 4))
  }

  float64(): Float64Array {
    return new Float64Array(this.#buffer(), this.address, Math.floor(this.bytes / 8))
  }

  uint8(): Uint8Array {
    return new Uint8Array(this.#buffer(), this.address, this.bytes)
  }

  release(): void {
    this.#free?.()
    this.#free = undefined
  }

  #buffer(): ArrayBufferLike {
    if (this.#free === undefined) throw new ParleyError('internal', 'a block is used after its release')
    return this.#memory.buffer
  }
}
