import { ParleyError } from '../../core/errors/index.ts'

/** Longest time in ms that training holds the event loop, so that heartbeats go on. A single step may be longer. */
const SLICE_MS = 25

/** How much of the machine training may take. */
export type PaceLimits = {
  /** Share of the time in which it works, above 0 to 1; it rests in between. */
  readonly cpuShare?: number
  /** Largest resident memory of the process, in bytes. */
  readonly memoryBytes?: number
}

/** The machine as pace sees it. */
export type Machine = {
  /** Milliseconds from an arbitrary start. */
  readonly now: () => number
  /** Resident memory of the process, in bytes. */
  readonly memory: () => number
  readonly rest: (ms: number, signal: AbortSignal) => Promise<unknown>
}

const thisMachine: Machine = {
  now: () => performance.now(),
  // A browser does not say.
  memory: () => (typeof process === 'undefined' ? 0 : process.memoryUsage.rss()),
  rest: (ms, signal) => (ms <= 0 ? nextTurn() : pause(ms, signal)),
}

/** Whatever waits in the event loop goes first. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve)
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}

/**
 * Called between steps: lets the event loop run when the slice is used up, rests as long as the share of the processor asks
 * for, and fails with `interrupted` when the signal fires, with `node.plan-refused` above the memory that is allowed.
 */
export function createPace(
  signal: AbortSignal,
  { cpuShare = 1, memoryBytes = Number.POSITIVE_INFINITY }: PaceLimits = {},
  { now, memory, rest }: Machine = thisMachine,
): () => Promise<void> | void {
  let since = now()
  const check = () => {
    if (signal.aborted) throw new ParleyError('interrupted', 'training was interrupted', { cause: signal.reason })
  }
  return () => {
    check()
    const worked = now() - since
    if (worked < SLICE_MS) return undefined
    if (memoryBytes !== Number.POSITIVE_INFINITY && memory() > memoryBytes) {
      throw new ParleyError(
        'node.plan-refused',
        'it takes more memory than the site’s policy allows (resources.memory)',
      )
    }
    return rest(worked * (1 / cpuShare - 1), signal).then(() => {
      since = now()
      check()
    })
  }
}
