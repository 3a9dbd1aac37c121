/**
 * The newest value for any number of readers, each at its own pace. Who is slow misses values in between, never the last
 * one, and nothing piles up.
 */
export class Changes<Value> implements AsyncIterable<Value> {
  readonly #readers = new Set<Reader<Value>>()
  #ended = false

  push(value: Value): void {
    for (const reader of this.#readers) {
      reader.value = { value }
      reader.wake?.()
    }
  }

  /** Readers end after the value that they have not taken yet. */
  end(): void {
    this.#ended = true
    for (const { wake } of this.#readers) wake?.()
  }

  /** Values from the call on. */
  [Symbol.asyncIterator](): AsyncIterator<Value> {
    const reader: Reader<Value> = { value: undefined, wake: undefined }
    this.#readers.add(reader)
    const next = async (): Promise<IteratorResult<Value>> => {
      while (reader.value === undefined && !this.#ended && this.#readers.has(reader)) {
        await new Promise<void>((resolve) => {
          reader.wake = resolve
        })
      }
      const taken = reader.value
      reader.value = undefined
      if (taken !== undefined && this.#readers.has(reader)) return { value: taken.value, done: false }
      this.#readers.delete(reader)
      return { value: undefined, done: true }
    }
    return {
      next,
      return: async () => {
        this.#readers.delete(reader)
        reader.wake?.()
        return { value: undefined, done: true }
      },
    }
  }
}

type Reader<Value> = { value: { readonly value: Value } | undefined; wake: (() => void) | undefined }
