import { Refusal, send } from './api.ts'
import { eventData } from './events.ts'

/** `lost`: it is asked again by itself. */
export type LinkState = 'connecting' | 'live' | 'lost' | 'ended'

/** The coordinator says something at least every 20 s. */
const SILENCE_MS = 60_000
const SHORTEST_MS = 500
const LONGEST_MS = 15_000

export type Follower<Value> = {
  readonly take: (value: Value) => void
  readonly say: (state: LinkState) => void
  /** Told where asking again is of no use. */
  readonly fail: (refusal: Refusal) => void
  /** Nothing comes after this one. */
  readonly isLast: (value: Value) => boolean
}

/**
 * Follows a stream of events until its last value. A connection that breaks, or says nothing for too long, is made again: after a
 * pause that grows, or as soon as the network or the reader is back. Each connection begins with the present state, so nothing is missed.
 * Returns what ends it.
 */
export function follow<Value>(path: string, follower: Follower<Value>): () => void {
  const over = new AbortController()
  let wake = () => {}
  const onWake = () => {
    if (document.visibilityState === 'visible') wake()
  }
  addEventListener('online', onWake)
  document.addEventListener('visibilitychange', onWake)

  async function connectOnce(): Promise<boolean> {
    const connection = new AbortController()
    const abort = () => connection.abort()
    over.signal.addEventListener('abort', abort)
    let silence = setTimeout(abort, SILENCE_MS)
    const heard = () => {
      clearTimeout(silence)
      silence = setTimeout(abort, SILENCE_MS)
    }
    try {
      const { body } = await send('GET', path, undefined, connection.signal)
      if (body === null) return false
      for await (const data of eventData(body, heard)) {
        const value = JSON.parse(data) as Value
        pause = SHORTEST_MS
        follower.say('live')
        follower.take(value)
        if (follower.isLast(value)) return true
      }
      return false
    } finally {
      clearTimeout(silence)
      over.signal.removeEventListener('abort', abort)
      abort()
    }
  }

  let pause = SHORTEST_MS
  async function run(): Promise<void> {
    follower.say('connecting')
    while (!over.signal.aborted) {
      const done = await connectOnce().catch((failure: unknown) => {
        const { status } = Refusal.from(failure)
        if (!(failure instanceof Refusal) || status === 0 || status === 429 || status >= 500) return false
        follower.fail(failure)
        return true
      })
      if (over.signal.aborted) return
      if (done) return follower.say('ended')
      follower.say('lost')
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause * (0.5 + Math.random() / 2))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
        over.signal.addEventListener('abort', wake, { once: true })
      })
      pause = Math.min(2 * pause, LONGEST_MS)
    }
  }
  void run()

  return () => {
    over.abort()
    removeEventListener('online', onWake)
    document.removeEventListener('visibilitychange', onWake)
  }
}
