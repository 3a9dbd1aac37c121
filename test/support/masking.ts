import { createHash } from 'node:crypto'
import type { ClientOptions } from '../../client/node/options.ts'
import { fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { type ClientPolicy, clientPolicy } from '../../core/secagg/index.ts'
import type { Connection, Dial } from '../../core/wire/connection.ts'
import { decodeFrame, type Frame } from '../../core/wire/frame.ts'
import { keyOf } from './federation.ts'

/** What a small consortium of these clients accepts of masked rounds. */
export function maskingOf(
  names: readonly string[],
  change: Partial<Omit<ClientPolicy, 'known'>> = {},
): Pick<ClientOptions, 'masking'> {
  const known = Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))
  const buckets = { minSize: 2, minSurvivors: 2, minKnown: 2 }
  return { masking: { policy: clientPolicy({ known, minimum: 3, minKnown: 3, buckets, ...change }) } }
}

/** The step of secure aggregation that a frame belongs to. */
export function stepOf(frame: Frame): string | undefined {
  if (frame.type === 'maskingStep') return String((JSON.parse(fromUtf8(frame.payload)) as { kind: unknown }).kind)
  if (frame.type !== 'maskingAnswer') return undefined
  return /secagg-(\w+)\+json$/.exec(frame.message?.payloadType ?? '')?.[1]
}

/** Who said what in which step, in the order in which it was said: contents by their digests. */
export class Recorder {
  readonly #said = new Map<string, Set<string>>()
  readonly #times = new Map<string, number>()
  readonly #open = new Set<Connection>()
  #cut = false
  /** Frames of clients that get lost on the way, or are held until it is known. */
  lost: (client: string, frame: Frame) => boolean | Promise<boolean> = () => false

  /** `dial` with a listener in the line of this client. */
  over(client: string, dial: Dial): Dial {
    return async (signal) => {
      if (this.#cut) throw new ParleyError('session.unreachable')
      const connection = await dial(signal)
      this.#open.add(connection)
      return this.#wrapped(client, connection)
    }
  }

  /** Breaks all connections, as the end of a coordinator does that says nothing; nobody gets a new one until `mend`. */
  cut(): void {
    this.#cut = true
    for (const connection of this.#open) connection.destroy()
    this.#open.clear()
  }

  mend(): void {
    this.#cut = false
    this.lost = () => false
  }

  /** How many different things were said in this step: by the client, or to it. */
  contents(client: string, round: number, step: string): number {
    return this.#said.get(`${client} ${round} ${step}`)?.size ?? 0
  }

  times(client: string, round: number, step: string): number {
    return this.#times.get(`${client} ${round} ${step}`) ?? 0
  }

  /** Steps of which more than one thing was said, by a client or to it. */
  get contradictions(): string[] {
    return [...this.#said].filter(([, contents]) => contents.size > 1).map(([what]) => what)
  }

  #wrapped(client: string, connection: Connection): Connection {
    const { carrier, remote, closed, frames } = connection
    const record = (frame: Frame) => this.#record(client, frame)
    return {
      carrier,
      remote,
      closed,
      frames: {
        async *[Symbol.asyncIterator]() {
          for await (const bytes of frames) {
            record(decodeFrame(bytes))
            yield bytes
          }
        },
      },
      send: async (bytes) => {
        const frame = decodeFrame(bytes)
        if (await this.lost(client, frame)) return
        record(frame)
        await connection.send(bytes)
      },
      close: (code) => connection.close(code),
      destroy: () => connection.destroy(),
    }
  }

  #record(client: string, frame: Frame): void {
    const step = stepOf(frame)
    if (step === undefined || (frame.type !== 'maskingStep' && frame.type !== 'maskingAnswer')) return
    const key = `${client} ${frame.round} ${step}${frame.type === 'maskingStep' ? ' asked' : ''}`
    const content = frame.type === 'maskingStep' ? frame.payload : (frame.message?.payload ?? new Uint8Array(0))
    const digest = createHash('sha256').update(content).digest('hex')
    this.#said.set(key, (this.#said.get(key) ?? new Set()).add(digest))
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1)
  }
}
