import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { coordinatorNow, get, Refusal } from './api.ts'
import { follow, type LinkState } from './follow.ts'

export type Loaded<Value> = {
  /** The newest there is, also where the last time of asking failed. */
  readonly value: Value | undefined
  readonly failure: Refusal | undefined
  readonly reload: () => void
}

/** What a function gives, asked again when `key` changes, and every so many milliseconds while the page is seen. */
export function useLoaded<Value>(key: string, load: () => Promise<Value>, everyMs?: number): Loaded<Value> {
  const [state, setState] = useState<{ key: string; value?: Value; failure?: Refusal }>({ key })
  const latest = useRef(load)
  latest.current = load
  const turn = useRef(0)

  const reload = useCallback(() => {
    const own = ++turn.current
    latest.current().then(
      (value) => {
        if (own === turn.current) setState({ key, value })
      },
      (thrown: unknown) => {
        if (own !== turn.current) return
        const failure = Refusal.from(thrown)
        setState((before) => (before.key === key ? { ...before, failure } : { key, failure }))
      },
    )
  }, [key])

  useEffect(() => {
    reload()
    if (everyMs === undefined) return stop
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload()
    }, everyMs)
    return () => {
      clearInterval(timer)
      stop()
    }
    function stop() {
      turn.current++
    }
  }, [reload, everyMs])

  const current = state.key === key
  return { value: current ? state.value : undefined, failure: current ? state.failure : undefined, reload }
}

export function useGet<Value>(path: string, everyMs?: number): Loaded<Value> {
  return useLoaded(path, () => get<Value>(path), everyMs)
}

/** What a stream of events has told so far, and whether more comes. `take` puts what comes to what there is. */
export function useFollowed<Event, Value>(
  path: string,
  take: (before: Value | undefined, event: Event) => Value,
): Loaded<Value> & { readonly link: LinkState } {
  const [value, setValue] = useState<Value>()
  const [link, setLink] = useState<LinkState>('connecting')
  const [failure, setFailure] = useState<Refusal>()
  const latest = useRef(take)
  latest.current = take
  useEffect(
    () =>
      follow<Event>(path, {
        take: (event) => setValue((before) => latest.current(before, event)),
        say: setLink,
        fail: setFailure,
        isLast: () => false,
      }),
    [path],
  )
  return { value, failure, link, reload: () => {} }
}

/** The coordinator's time, every second while it is needed. */
export function useNow(needed: boolean): number {
  const [now, setNow] = useState(coordinatorNow)
  useEffect(() => {
    if (!needed) return
    const timer = setInterval(() => setNow(coordinatorNow()), 1_000)
    return () => clearInterval(timer)
  }, [needed])
  return now
}

export type Act<Value> = {
  readonly busy: boolean
  readonly failure: Refusal | undefined
  readonly done: Value | undefined
  readonly start: () => void
}

/** Something that is done when a person says so, one at a time. */
export function useAct<Value>(work: () => Promise<Value>, then: (value: Value) => void = () => {}): Act<Value> {
  const [state, setState] = useState<{ busy: boolean; failure?: Refusal; done?: Value }>({ busy: false })
  const start = () => {
    if (state.busy) return
    setState({ busy: true })
    work().then(
      (done) => {
        setState({ busy: false, done })
        then(done)
      },
      (thrown: unknown) => setState({ busy: false, failure: Refusal.from(thrown) }),
    )
  }
  return { busy: state.busy, failure: state.failure, done: state.done, start }
}
