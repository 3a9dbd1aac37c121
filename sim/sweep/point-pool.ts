import { Worker } from 'node:worker_threads'
import { ParleyError } from '../../core/errors/index.ts'
import { failureOf, type PointJob, type PointMessage, type PointResult, runPoint } from './point-job.ts'

export type OnRound = (round: number, of: number) => void

/** Runs simulations side by side. */
export interface PointRunner {
  /** Fails as `simulate` does, with `client.training-failed` where the thread died, with `interrupted` after `close`. */
  run(job: PointJob, onRound: OnRound): Promise<PointResult>
  /** Gives up what is under way. */
  close(): Promise<void>
}

/** A runner with at most `threads` worker threads; with 0 it takes one simulation after the other on the calling thread. */
export function pointRunner(threads: number, worker: URL = workerFile()): PointRunner {
  return threads === 0 ? new InlineRunner() : new PointPool(threads, worker)
}

class InlineRunner implements PointRunner {
  readonly #closed = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  run(job: PointJob, onRound: OnRound): Promise<PointResult> {
    const result = this.#last.then(() => {
      if (this.#closed.signal.aborted) throw interrupted()
      return runPoint(job, onRound, this.#closed.signal)
    })
    this.#last = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#last
  }
}

type Waiting = {
  readonly job: PointJob
  readonly onRound: OnRound
  readonly settle: (result: PointResult) => void
  readonly fail: (error: ParleyError) => void
}

class PointPool implements PointRunner {
  readonly #most: number
  readonly #file: URL
  readonly #queue: Waiting[] = []
  /** Each thread with the job that it is at. */
  readonly #threads = new Map<Worker, Waiting | undefined>()
  #closed = false

  constructor(most: number, file: URL) {
    this.#most = most
    this.#file = file
  }

  run(job: PointJob, onRound: OnRound): Promise<PointResult> {
    return new Promise((settle, fail) => {
      if (this.#closed) return fail(interrupted())
      this.#queue.push({ job, onRound, settle, fail })
      this.#next()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const threads = [...this.#threads]
    this.#threads.clear()
    for (const waiting of [...this.#queue.splice(0), ...threads.map(([, waiting]) => waiting)]) {
      waiting?.fail(interrupted())
    }
    await Promise.all(threads.map(([thread]) => thread.terminate()))
  }

  #next(): void {
    const idle = [...this.#threads].find(([, job]) => job === undefined)?.[0]
    if (this.#queue.length === 0 || (idle === undefined && this.#threads.size >= this.#most)) return
    const thread = idle ?? this.#start()
    const waiting = this.#queue.shift()
    this.#threads.set(thread, waiting)
    thread.postMessage(waiting?.job)
  }

  #start(): Worker {
    const thread = new Worker(this.#file, { execArgv: [] })
    thread.on('message', (message: PointMessage) => this.#heard(thread, message))
    thread.on('error', (cause) => this.#died(thread, cause))
    thread.on('exit', () => this.#died(thread, undefined))
    return thread
  }

  #heard(thread: Worker, message: PointMessage): void {
    const waiting = this.#threads.get(thread)
    if (waiting === undefined) return
    if (message.type === 'round') return waiting.onRound(message.round, message.of)
    this.#threads.set(thread, undefined)
    if (message.type === 'done') waiting.settle(message.result)
    else waiting.fail(failureOf(message))
    this.#next()
  }

  /** Its job fails; the next one gets another thread. */
  #died(thread: Worker, cause: unknown): void {
    const waiting = this.#threads.get(thread)
    if (!this.#threads.delete(thread)) return
    const reason = cause instanceof Error ? `: ${cause.message}` : ''
    waiting?.fail(new ParleyError('client.training-failed', `the worker that ran this point died${reason}`, { cause }))
    this.#next()
  }
}

function interrupted(): ParleyError {
  return new ParleyError('interrupted', 'the sweep was interrupted; the same command goes on where it was')
}

/** Threads cannot load TypeScript on every version that is supported: sources use the build's worker. */
function workerFile(): URL {
  const built = import.meta.url.endsWith('.ts') ? '../../dist/sim/sweep/point-worker.js' : './point-worker.js'
  return new URL(built, import.meta.url)
}
