import { Worker } from 'node:worker_threads'
import { ParleyError } from '../core/errors/index.ts'
import { built } from './wasm.ts'
import { stop, type Work } from './work.ts'

/** What a thread is given when it starts. */
export type Seat = {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly thread: number
}
export type Task = { readonly id: number; readonly work: Work }
export type Report = { readonly id: number; readonly failure: string | undefined }

type Running = {
  readonly work: Work
  /** Threads that have not reported yet. */
  left: number
  failure: ParleyError | undefined
  readonly settle: (failure: ParleyError | undefined) => void
}

/**
 * Threads that work on jobs together, each job on all of them. They start with the first job; when one dies, the others
 * end as well, since it may have died in the middle of a chunk, and the next job starts new ones. Idle threads do not
 * keep the process alive.
 */
export class Pool {
  readonly #seat: Omit<Seat, 'thread'>
  readonly #threads: number
  readonly #startThread: (seat: Seat) => Worker
  #crew: Crew | undefined
  #closing: Promise<void> | undefined

  constructor(
    threads: number,
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    startThread: (seat: Seat) => Worker = startWorker,
  ) {
    this.#threads = threads
    this.#seat = { module, memory }
    this.#startThread = startThread
  }

  /** Resolves when no thread works on it any more. Fails with `internal` when a thread dies or a kernel traps. */
  async run(work: Work): Promise<void> {
    if (this.#closing !== undefined) throw new ParleyError('interrupted', 'the kernels are closed')
    const crew = this.#crew ?? this.#start()
    await crew.run(work)
  }

  #start(): Crew {
    const workers = Array.from({ length: this.#threads }, (_, thread) => this.#startThread({ ...this.#seat, thread }))
    const crew = new Crew(workers, () => {
      if (this.#crew === crew) this.#crew = undefined
    })
    this.#crew = crew
    return crew
  }

  /** Lets running jobs end, then ends the threads. */
  async close(): Promise<void> {
    this.#closing ??= this.#crew?.close() ?? Promise.resolve()
    await this.#closing
  }
}

/** A thread that waits for jobs. */
export function startWorker(workerData: Seat): Worker {
  // The flags of this process are not for its threads: test runners load files of their own with them.
  return new Worker(built('worker.js'), { workerData, execArgv: [], name: 'parley-kernels' })
}

class Crew {
  readonly #workers: readonly Worker[]
  readonly #running = new Map<number, Running>()
  readonly #lost: () => void
  #jobs = 0
  #ending = false
  #idle: (() => void) | undefined

  constructor(workers: readonly Worker[], lost: () => void) {
    this.#workers = workers
    this.#lost = lost
    for (const worker of workers) {
      worker.on('message', (report: Report) => this.#reported(report))
      worker.on('error', (cause) => this.#died(cause))
      worker.on('exit', () => this.#died())
    }
  }

  run(work: Work): Promise<void> {
    const id = this.#jobs++
    return new Promise((resolve, reject) => {
      const settle = (failure: ParleyError | undefined) => (failure === undefined ? resolve() : reject(failure))
      if (this.#running.size === 0) for (const worker of this.#workers) worker.ref()
      this.#running.set(id, { work, left: this.#workers.length, failure: undefined, settle })
      for (const worker of this.#workers) worker.postMessage({ id, work } satisfies Task)
    })
  }

  #reported({ id, failure }: Report): void {
    const job = this.#running.get(id)
    if (job === undefined) return
    if (failure !== undefined) job.failure ??= new ParleyError('internal', `a kernel failed: ${failure}`)
    job.left--
    if (job.left > 0) return
    this.#running.delete(id)
    if (this.#running.size === 0) {
      for (const worker of this.#workers) worker.unref()
      this.#idle?.()
    }
    job.settle(job.failure)
  }

  #died(cause?: unknown): void {
    if (this.#ending) return
    this.#ending = true
    this.#lost()
    const failure = new ParleyError('internal', 'a thread of the kernels ended', { cause })
    void this.#terminate().then(() => {
      for (const job of this.#running.values()) job.settle(failure)
      this.#running.clear()
      this.#idle?.()
    })
  }

  /** Afterwards no thread reads or writes the memory any more. */
  async #terminate(): Promise<void> {
    for (const { work } of this.#running.values()) stop(work.control)
    await Promise.all(this.#workers.map(async (worker) => await worker.terminate()))
  }

  async close(): Promise<void> {
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.#ending = true
    await this.#terminate()
  }
}
