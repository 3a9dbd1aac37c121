import { Worker } from 'node:worker_threads'
import { isErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Job, JobResult, TrainedOn, World } from './job.ts'
import { Workbench } from './workbench.ts'

/** Does the jobs of virtual clients. */
export interface TrainingPool {
  /** Takes a job on; it may be done at any time before `result` resolves, which asks for it. */
  take(job: Job): { readonly result: () => Promise<JobResult> }
  /** What trains; undefined until a first client has. */
  readonly trainedOn: TrainedOn | undefined
  /** May be called twice. */
  close(): Promise<void>
}

type Waiting = {
  readonly job: Job
  readonly settle: (result: JobResult) => void
  readonly fail: (error: ParleyError) => void
  readonly promise: Promise<JobResult>
  state: 'waiting' | 'under-way' | 'done'
  /** Somebody waits for the result, or has it. */
  asked: boolean
  /** A thread ended at it. */
  lost?: true
}

/** Results that may lie about unasked for, for each thread: threads work ahead, but not so far that memory fills. */
const AHEAD = 4

/**
 * A pool of `threads` worker threads; with 0 jobs are done on the calling thread when they are asked for. A job whose thread ends
 * is done again on another; where that ends as well, `broken` is told: its client is not to blame.
 */
export function trainingPool(world: World, threads: number, broken: (error: ParleyError) => void): TrainingPool {
  return threads === 0 ? new InlinePool(world) : new ThreadPool(world, threads, broken)
}

class InlinePool implements TrainingPool {
  trainedOn: TrainedOn | undefined
  readonly #bench: Workbench

  constructor(world: World) {
    this.#bench = new Workbench(world)
  }

  take(job: Job) {
    let result: Promise<JobResult> | undefined
    return {
      result: () => {
        result ??= this.#bench.do(job).then((done) => {
          if (done.kind === 'train') this.trainedOn ??= done.trainedOn
          return done
        })
        return result
      },
    }
  }

  async close(): Promise<void> {}
}

class ThreadPool implements TrainingPool {
  trainedOn: TrainedOn | undefined
  readonly #world: World
  readonly #idle: Worker[] = []
  readonly #all = new Set<Worker>()
  readonly #queue: Waiting[] = []
  readonly #underWay = new Map<number, { readonly waiting: Waiting; readonly worker: Worker }>()
  readonly #broken: (error: ParleyError) => void
  readonly #threads: number
  readonly #most: number
  #unasked = 0
  #nextId = 0
  #closed = false

  constructor(world: World, threads: number, broken: (error: ParleyError) => void) {
    this.#world = world
    this.#broken = broken
    this.#threads = threads
    this.#most = AHEAD * threads
  }

  take(job: Job) {
    let settle: (result: JobResult) => void = () => {}
    let fail: (error: ParleyError) => void = () => {}
    const promise = new Promise<JobResult>((resolve, reject) => {
      settle = resolve
      fail = reject
    })
    promise.catch(() => {})
    const waiting: Waiting = { job, settle, fail, promise, state: 'waiting', asked: false }
    this.#queue.push(waiting)
    this.#next()
    return { result: () => this.#ask(waiting) }
  }

  async close(): Promise<void> {
    this.#closed = true
    const error = new ParleyError('interrupted', 'the simulation ends')
    for (const waiting of this.#queue.splice(0)) waiting.fail(error)
    await Promise.all([...this.#all].map((worker) => worker.terminate()))
  }

  #ask(waiting: Waiting): Promise<JobResult> {
    if (!waiting.asked) {
      waiting.asked = true
      if (waiting.state !== 'waiting') this.#unasked--
      this.#next()
    }
    return waiting.promise
  }

  #next(): void {
    // Threads start with the first jobs.
    while (
      this.#idle.length === 0 &&
      this.#all.size < Math.min(this.#threads, this.#underWay.size + this.#queue.length)
    ) {
      this.#start()
    }
    while (this.#idle.length > 0) {
      // What somebody waits for goes first, however much lies about.
      const asked = this.#queue.findIndex((one) => one.asked)
      const index = asked >= 0 ? asked : this.#unasked < this.#most ? 0 : -1
      const [waiting] = index < 0 ? [] : this.#queue.splice(index, 1)
      const worker = waiting === undefined ? undefined : this.#idle.pop()
      if (waiting === undefined || worker === undefined) return
      waiting.state = 'under-way'
      if (!waiting.asked) this.#unasked++
      const id = this.#nextId++
      this.#underWay.set(id, { waiting, worker })
      worker.postMessage({ id, job: waiting.job })
    }
  }

  #start(): void {
    const worker = new Worker(workerFile(), { workerData: this.#world, execArgv: [] })
    this.#all.add(worker)
    this.#idle.push(worker)
    worker.on('message', (message) => this.#done(worker, message))
    worker.on('error', (cause) => this.#died(worker, cause))
    worker.on('exit', () => this.#died(worker, undefined))
  }

  #done(
    worker: Worker,
    message: { id: number; result?: JobResult; failure?: { code?: string; message: string } },
  ): void {
    const waiting = this.#underWay.get(message.id)?.waiting
    this.#underWay.delete(message.id)
    this.#idle.push(worker)
    if (waiting !== undefined) {
      waiting.state = 'done'
      if (message.result?.kind === 'train') this.trainedOn ??= message.result.trainedOn
      if (message.result !== undefined) waiting.settle(message.result)
      else waiting.fail(failureOf(message.failure))
    }
    this.#next()
  }

  /** A thread that ended by itself: another takes its place, and its job once. */
  #died(worker: Worker, cause: unknown): void {
    if (!this.#all.delete(worker)) return
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    for (const [id, one] of this.#underWay) {
      if (one.worker !== worker) continue
      this.#underWay.delete(id)
      const { waiting } = one
      if (waiting.lost === undefined && !this.#closed) {
        if (!waiting.asked) this.#unasked--
        this.#queue.unshift(Object.assign(waiting, { state: 'waiting', lost: true } as const))
        continue
      }
      const reason = cause instanceof Error ? `: ${cause.message}` : ''
      const error = new ParleyError('client.training-failed', `two training threads ended at one job${reason}`, {
        cause,
      })
      waiting.fail(error)
      if (!this.#closed) this.#broken(error)
    }
    if (this.#closed) return
    this.#start()
    this.#next()
  }
}

function failureOf(failure: { code?: string; message: string } | undefined): ParleyError {
  const { code = '', message = 'a training thread gave no result' } = failure ?? {}
  return new ParleyError(isErrorCode(code) ? code : 'client.training-failed', message)
}

/** Threads cannot load TypeScript on every version that is supported: sources use the build's worker. */
function workerFile(): URL {
  const built = import.meta.url.endsWith('.ts') ? '../../dist/sim/pool/worker.js' : './worker.js'
  return new URL(built, import.meta.url)
}
