import type { Clock } from '../../core/clock.ts'
import { ParleyError } from '../../core/errors/index.ts'

type Timer = { readonly at: number; readonly order: number; action: (() => void) | undefined }

/** Where virtual time begins: 1 January 2026, UTC. */
const START = Date.UTC(2026, 0, 1)

/** Milliseconds after which nothing is waited for: a timer so far away never goes off, and costs nothing. */
export const NEVER_MS = 1e12

/** Cancelled timers that may lie about before they are swept out. */
const MOST_CANCELLED = 100_000

/**
 * Time of a simulation. It stands still while there is anything to do: code runs until nothing moves, and until nobody
 * holds the clock; then it jumps to the next timer. Timers of the same instant go off in the order in which they were set.
 */
export class VirtualClock implements Clock {
  readonly #timers: Timer[] = []
  #elapsed = 0
  #order = 0
  #cancelled = 0
  #held = 0
  #interrupted = false
  #released: (() => void) | undefined

  now(): number {
    return START + this.#elapsed
  }

  monotonic(): number {
    return this.#elapsed
  }

  after(ms: number, action: () => void): () => void {
    if (ms >= NEVER_MS) return cancelled
    const timer: Timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, action }
    push(this.#timers, timer)
    return () => {
      if (timer.action === undefined) return
      timer.action = undefined
      this.#cancelled++
      if (this.#cancelled > MOST_CANCELLED && this.#cancelled > this.#timers.length / 2) this.#sweep()
    }
  }

  /** Time stands still until the returned function is called: for work whose real duration must not matter. */
  hold(): () => void {
    this.#held++
    let done = false
    return () => {
      if (done) return
      done = true
      this.#held--
      if (this.#held === 0) this.#released?.()
    }
  }

  /** Holds the clock for as long as `work` takes. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    const release = this.hold()
    try {
      return await work()
    } finally {
      release()
    }
  }

  /** Time goes no further: `run` fails with `interrupted`. */
  interrupt(): void {
    this.#interrupted = true
    this.#released?.()
  }

  /**
   * Lets time go on until `done` settles. Rejects with `interrupted` after `interrupt`, and with `internal` when nothing is
   * left that could still happen.
   */
  async run<T>(done: Promise<T>): Promise<T> {
    let ended = false
    const end = () => {
      ended = true
      this.#released?.()
    }
    done.then(end, end)
    while (!ended) {
      await settled()
      if (ended) break
      if (this.#interrupted) throw new ParleyError('interrupted', 'the simulation was interrupted')
      if (this.#held > 0) {
        await new Promise<void>((resolve) => {
          this.#released = resolve
        })
        this.#released = undefined
        continue
      }
      const timer = this.#next()
      if (timer === undefined) throw new ParleyError('internal', 'the simulation waits for what cannot happen')
      this.#elapsed = Math.max(this.#elapsed, timer.at)
      timer.action?.()
    }
    return await done
  }

  #next(): Timer | undefined {
    for (;;) {
      const timer = pop(this.#timers)
      if (timer === undefined || timer.action !== undefined) return timer
      this.#cancelled--
    }
  }

  #sweep(): void {
    const kept = this.#timers.filter(({ action }) => action !== undefined).sort(earlier)
    this.#timers.splice(0, this.#timers.length, ...kept)
    this.#cancelled = 0
  }
}

function cancelled(): void {}

/** Everything that follows from what was done, without waiting for anybody, is done: promises settle before immediates. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function earlier(a: Timer, b: Timer): number {
  return a.at - b.at || a.order - b.order
}

/** A binary heap with the earliest timer first. */
function push(heap: Timer[], timer: Timer): void {
  let i = heap.length
  heap.push(timer)
  while (i > 0) {
    const parent = (i - 1) >> 1
    const above = heap[parent] as Timer
    if (earlier(above, timer) <= 0) break
    heap[i] = above
    i = parent
  }
  heap[i] = timer
}

function pop(heap: Timer[]): Timer | undefined {
  const [first] = heap
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && earlier(heap[child + 1] as Timer, heap[child] as Timer) < 0) child++
    if (earlier(heap[child] as Timer, last) >= 0) break
    heap[i] = heap[child] as Timer
    i = child
  }
  heap[i] = last
  return first
}
