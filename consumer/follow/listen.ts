import type { Registry } from '../http/registry.ts'
import type { Settings } from '../options.ts'
import { Backoff, wait } from '../wait.ts'
import type { Poller } from './poller.ts'

export type ListenDeps = {
  readonly settings: Settings
  readonly registry: Registry
  readonly poller: Poller
  readonly alias: string
  /** What the stream brings. Throws when it does not believe the record. */
  readonly onRecord: (envelope: Uint8Array) => Promise<void>
  readonly onWithdrawn: (numbers: readonly number[], all: boolean) => Promise<void>
}

/** A stream that lasted so long was a good one: the next break is the first again. */
const GOOD_STREAM_MS = 30_000

/**
 * Hears of every move until the signal ends it. Where the stream breaks, or something between lets none through, each attempt
 * to come back is a poll first: moves are heard of all the same, only later.
 */
export async function listen(deps: ListenDeps, signal: AbortSignal): Promise<void> {
  const { settings } = deps
  if (settings.follow === 'none') return
  try {
    await (settings.follow === 'poll' ? pollForEver(deps, signal) : streamForEver(deps, signal))
  } catch (failure) {
    if (!signal.aborted) throw failure
  }
}

async function pollForEver({ settings, poller }: ListenDeps, signal: AbortSignal): Promise<void> {
  const { clock, random, pollMs } = settings
  for (;;) {
    // Spread by a tenth, so that consumers that were started together do not ask together for ever.
    await wait(clock, Math.round(pollMs * (0.9 + 0.2 * random())), signal)
    // It has said itself what went wrong.
    await poller.poll(signal).catch(() => {})
  }
}

async function streamForEver(deps: ListenDeps, signal: AbortSignal): Promise<void> {
  const { settings, poller } = deps
  const { clock, random, pollMs } = settings
  const backoff = new Backoff(random, pollMs)
  const state = { lastId: undefined as string | undefined }
  for (;;) {
    const began = clock.monotonic()
    // How it ended does not matter: what follows is the same.
    await stream(deps, state, signal).catch(() => {})
    if (clock.monotonic() - began >= GOOD_STREAM_MS) backoff.reset()
    await backoff.wait(clock, signal)
    await poller.poll(signal).catch(() => {})
  }
}

/** A record that is refused has been told of; the next one may be better. */
function believed(taken: Promise<void>): Promise<boolean> {
  return taken.then(
    () => true,
    () => false,
  )
}

async function stream(
  { registry, poller, alias, onRecord, onWithdrawn }: ListenDeps,
  state: { lastId: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  let first = true
  for await (const event of registry.events(alias, state.lastId, signal)) {
    poller.heard()
    // Withdrawals of the time without a stream are in no event of this one.
    if (first) await onWithdrawn(await registry.withdrawn(signal), true)
    first = false
    if (event.type === 'withdrawn') await onWithdrawn([event.number], false)
    else if (await believed(onRecord(event.envelope))) state.lastId = event.id
  }
}
