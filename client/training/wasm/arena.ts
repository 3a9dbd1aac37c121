import { ParleyError } from '../../../core/errors/index.ts'
import { instantiateTraining, type TrainingKernels } from '../../../kernels/training/exports.ts'

const PAGE = 65536
/** Whatever the module keeps for itself lies below. */
const FIRST = PAGE
const LINE = 64
/** One page less than 4 GiB: so the address behind the last byte is still a number of 32 bits. */
const MAX_BYTES = 65535 * PAGE

/** What a training needs, laid out one region behind the other before any memory is taken. */
export class ArenaPlan {
  #top = FIRST

  /** The address of `count` values; kernels may read a line behind them. */
  float32(count: number): number {
    return this.#take(4 * count)
  }

  float64(count: number): number {
    return this.#take(8 * count)
  }

  /** Bytes of everything so far. */
  get bytes(): number {
    return this.#top
  }

  #take(bytes: number): number {
    const address = this.#top
    this.#top += Math.ceil(bytes / LINE) * LINE + LINE
    return address
  }
}

/** Memory of a plan's size with the kernels that work on it. What is in it is whatever was there before. */
export type Arena = {
  readonly kernels: TrainingKernels
  float32(address: number, count: number): Float32Array
  float64(address: number, count: number): Float64Array
  /** Gives the memory back, for the next arena in this thread. */
  release(): void
}

type Memory = {
  readonly memory: WebAssembly.Memory
  readonly kernels: TrainingKernels
  readonly module: WebAssembly.Module
}

/** Memory is kept for the next training: taking it and touching it for the first time costs more than a small model's step. */
const spare: Memory[] = []
const MOST_SPARE = 2
/** A larger one goes back to the machine: 256 MiB. */
const LARGEST_SPARE = 2 ** 28

/**
 * Fails with `engine.memory-exceeded`, which says how much was to be taken, where that is more than there is, or than the `most`
 * bytes that are allowed.
 */
export function takeArena(module: WebAssembly.Module, plan: ArenaPlan, most?: number): Arena {
  if (most !== undefined && plan.bytes > most) {
    throw exceeded(plan.bytes, `and the site’s policy allows ${Math.floor(most / 2 ** 20)} (resources.memory)`)
  }
  const { memory, kernels } = memoryOf(module, plan.bytes)
  const { buffer } = memory
  let isReleased = false
  return {
    kernels,
    float32: (address, count) => new Float32Array(buffer, address, count),
    float64: (address, count) => new Float64Array(buffer, address, count),
    release: () => {
      if (isReleased) return
      isReleased = true
      if (memory.buffer.byteLength <= LARGEST_SPARE) spare.push({ memory, kernels, module })
      // The smallest goes.
      spare.sort((a, b) => b.memory.buffer.byteLength - a.memory.buffer.byteLength)
      spare.length = Math.min(spare.length, MOST_SPARE)
    },
  }
}

function memoryOf(module: WebAssembly.Module, bytes: number): Memory {
  if (bytes > MAX_BYTES) throw exceeded(bytes, 'and no more than 4 GiB can be addressed')
  const fitting = spare.findLastIndex((one) => one.module === module && one.memory.buffer.byteLength >= bytes)
  const [found] = fitting < 0 ? [] : spare.splice(fitting, 1)
  if (found !== undefined) return found
  try {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) })
    return { memory, kernels: instantiateTraining(module, memory), module }
  } catch (cause) {
    throw exceeded(bytes, 'and this machine does not give as much', cause)
  }
}

function exceeded(bytes: number, why: string, cause?: unknown): ParleyError {
  const mebibytes = Math.ceil(bytes / 2 ** 20)
  return new ParleyError('engine.memory-exceeded', `training would take ${mebibytes} MiB, ${why}`, { cause })
}
