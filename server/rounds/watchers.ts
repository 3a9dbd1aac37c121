/** Tells watchers that a run changed. Changes that come while a watcher is busy are one change to it. */
export class RunWatchers {
  readonly #listeners = new Set<(run: string) => void>()
  #closed = false

  /** Calls `listener` after every change of any run, until the returned function is called. */
  onChange(listener: (run: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changed(run: string): void {
    for (const listener of [...this.#listeners]) listener(run)
  }

  /** Ends all watching. */
  close(): void {
    this.#closed = true
    this.changed('')
  }

  /** Yields once at the beginning and after changes of this run, or of any, until `signal` fires or the watchers are closed. */
  async *changes(run: string | undefined, signal: AbortSignal): AsyncGenerator<void> {
    let pending = true
    let wake: () => void = () => {}
    const forget = this.onChange((changed) => {
      pending ||= run === undefined || changed === run
      wake()
    })
    const abort = () => wake()
    signal.addEventListener('abort', abort)
    try {
      while (!signal.aborted && !this.#closed) {
        if (pending) {
          pending = false
          yield
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      forget()
      signal.removeEventListener('abort', abort)
    }
  }
}
