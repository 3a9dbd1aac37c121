/** What every carrier must do: the sentences of core/wire/connection.ts, run against real connections. */
import { afterEach, describe, expect, it } from 'vitest'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Connection, ConnectionHandler, Dial, Listener } from '../../core/wire/connection.ts'
import { defaultLimits, type Limits } from '../../core/wire/limits.ts'

export type MakeCarrier = (
  handler: ConnectionHandler,
  limits: { readonly server: Limits; readonly client: Limits },
) => Promise<{ readonly listener: Listener; readonly dial: Dial }>

export type CarrierContractOptions = {
  /** A client of this carrier can tell the server why it closed. */
  readonly clientNamesCodes: boolean
  /** Leave out what takes most of the time: for variants of a carrier that ran in full. */
  readonly brief?: boolean
}

const MiB = 1024 * 1024

export function carrierContract(name: string, make: MakeCarrier, options: CarrierContractOptions): void {
  describe(name, () => {
    const cleanUp: (() => Promise<void>)[] = []
    afterEach(async () => {
      for (const stop of cleanUp.splice(0)) await stop()
    })

    /** A listener and the queue of connections that it accepted. */
    async function listen(limits: { server?: Partial<Limits>; client?: Partial<Limits> } = {}) {
      const accepted = new Arrivals<Connection>()
      const { listener, dial } = await make((connection) => accepted.put(connection), {
        server: { ...defaultLimits, ...limits.server },
        client: { ...defaultLimits, ...limits.client },
      })
      cleanUp.push(() => listener.stop())
      return { listener, dial, accept: () => accepted.take() }
    }

    async function connect(limits: Parameters<typeof listen>[0] = {}) {
      const { dial, accept, listener } = await listen(limits)
      const client = await dial()
      const server = await accept()
      server.authenticated?.()
      return { client, server, listener, dial, accept }
    }

    /** What a server sees of a client's reason, where the carrier has no means to carry it. */
    const seenOf = (seen: string, fromClient: boolean, expected = 'frame.too-large') => {
      const vague = fromClient && !options.clientNamesCodes && ['nothing thrown', 'session.closed'].includes(seen)
      return vague ? expected : seen
    }

    describe.each([
      ['client to server', true],
      ['server to client', false],
    ] as const)('%s', (_direction, fromClient) => {
      const ends = ({ client, server }: { client: Connection; server: Connection }) =>
        fromClient ? ([client, server] as const) : ([server, client] as const)

      it('hands on every frame once, in order, as plain byte arrays', async () => {
        const [sender, receiver] = ends(await connect())
        const count = options.brief ? 100 : 10_000
        const sent = (async () => {
          for (let i = 0; i < count; i++) await sender.send(numbered(i, 16))
        })()
        const reader = receiver.frames[Symbol.asyncIterator]()
        for (let i = 0; i < count; i++) {
          const { value } = await reader.next()
          if (i === 0) expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype)
          if (numberOf(value) !== i || value.length !== 16) expect(numberOf(value)).toBe(i)
        }
        await sent
      })

      it('moves 64 MiB in frames of 1 MiB', async () => {
        const [sender, receiver] = ends(await connect())
        const count = options.brief ? 4 : 64
        const sent = (async () => {
          for (let i = 0; i < count; i++) await sender.send(numbered(i, MiB))
        })()
        const reader = receiver.frames[Symbol.asyncIterator]()
        for (let i = 0; i < count; i++) {
          const { value } = await reader.next()
          expect([numberOf(value), value.length, value[MiB - 1]]).toEqual([i, MiB, (i + 1) % 256])
        }
        await sent
      })

      it('takes an empty frame for a frame', async () => {
        const [sender, receiver] = ends(await connect())
        await sender.send(new Uint8Array(0))
        await sender.send(Uint8Array.of(7))
        expect(await read(receiver, 2)).toEqual([new Uint8Array(0), Uint8Array.of(7)])
      })

      it('lets pass a frame at the limit and refuses one byte more, and the listener lives on', async () => {
        const small = { frameBytes: 1000 }
        const { dial, accept, ...pair } = await connect(fromClient ? { server: small } : { client: small })
        const [sender, receiver] = ends(pair)
        await sender.send(new Uint8Array(1000).fill(1))
        expect(await read(receiver, 1)).toEqual([new Uint8Array(1000).fill(1)])
        await sender.send(new Uint8Array(1001)).catch(() => {})
        expect(await codeOf(read(receiver, 1))).toBe('frame.too-large')
        expect(seenOf(await codeOf(read(sender, 1)), !fromClient)).toBe('frame.too-large')
        await receiver.closed
        await sender.closed
        const again = await dial()
        const accepted = await accept()
        await again.send(Uint8Array.of(1))
        expect(await read(accepted, 1)).toEqual([Uint8Array.of(1)])
      })

      it.skipIf(options.brief)(
        'holds the sender while nobody reads, and lets it go on when somebody does',
        async () => {
          const [sender, receiver] = ends(await connect())
          let taken = 0
          const sent = (async () => {
            for (; taken < 64; taken++) await sender.send(numbered(taken, MiB))
          })()
          await quiet(() => taken)
          // Kernel buffers included; without back-pressure it would be 64.
          expect(taken).toBeLessThan(32)
          expect(await read(receiver, 64).then((frames) => frames.map(numberOf))).toEqual([...Array(64).keys()])
          await sent
        },
      )

      it.skipIf(options.brief)('refuses a sender that does not wait, and keeps what was taken over', async () => {
        const [sender, receiver] = ends(await connect())
        const sends = Array.from({ length: 64 }, (_, i) => codeOf(sender.send(numbered(i, MiB))))
        const reading = (async () => {
          const numbers: number[] = []
          for await (const frame of receiver.frames) numbers.push(numberOf(frame))
          return numbers
        })()
        const codes = await Promise.all(sends)
        sender.close()
        const taken = [...codes.keys()].filter((i) => codes[i] === 'nothing thrown')
        expect(taken.length).toBeLessThan(32)
        expect(new Set(codes)).toEqual(new Set(['nothing thrown', 'session.slow-consumer']))
        expect(await reading).toEqual(taken)
      })

      it('ends the peer’s frames after close, with everything sent before it', async () => {
        const [sender, receiver] = ends(await connect())
        for (let i = 0; i < 20; i++) await sender.send(numbered(i, 1000))
        sender.close()
        sender.close()
        expect((await readAll(receiver)).map(numberOf)).toEqual([...Array(20).keys()])
        await sender.closed
        await receiver.closed
      })

      it('ends the own frames after close', async () => {
        const [sender, receiver] = ends(await connect())
        const own = readAll(sender)
        await receiver.send(Uint8Array.of(1))
        sender.close()
        expect((await own).length).toBeLessThanOrEqual(1)
        expect(await readAll(sender)).toEqual([])
      })

      it('names the reason for closing where the carrier can', async () => {
        const [sender, receiver] = ends(await connect())
        await sender.send(Uint8Array.of(1))
        sender.close('server.draining')
        expect(await read(receiver, 1)).toEqual([Uint8Array.of(1)])
        expect(seenOf(await codeOf(readAll(receiver)), fromClient, 'server.draining')).toBe('server.draining')
      })

      it('shows a destroyed connection to the peer as session.closed', async () => {
        const [sender, receiver] = ends(await connect())
        sender.destroy()
        sender.destroy()
        expect(seenOf(await codeOf(readAll(receiver)), fromClient, 'session.closed')).toBe('session.closed')
        await sender.closed
        await receiver.closed
        expect(await readAll(sender)).toEqual([])
      })

      it('rejects send after either side closed', async () => {
        const [sender, receiver] = ends(await connect())
        sender.close()
        expect(await codeOf(sender.send(Uint8Array.of(1)))).toBe('session.closed')
        await receiver.closed
        expect(await codeOf(receiver.send(Uint8Array.of(1)))).toBe('session.closed')
      })

      it.skipIf(options.brief)('rejects a waiting send when the connection breaks', async () => {
        const [sender, receiver] = ends(await connect())
        let taken = 0
        const sending = (async () => {
          for (;;) await sender.send(numbered(taken++, MiB))
        })()
        const code = codeOf(sending)
        await quiet(() => taken)
        receiver.destroy()
        expect(await code).toBe('session.closed')
      })

      it('lets a reader stop and another go on', async () => {
        const [sender, receiver] = ends(await connect())
        for (let i = 0; i < 4; i++) await sender.send(numbered(i, 16))
        expect((await read(receiver, 2)).map(numberOf)).toEqual([0, 1])
        expect((await read(receiver, 2)).map(numberOf)).toEqual([2, 3])
      })
    })

    it('carries both directions at once', async () => {
      const { client, server } = await connect()
      const echo = (async () => {
        for await (const frame of server.frames) await server.send(frame)
      })()
      const sent = (async () => {
        for (let i = 0; i < 200; i++) await client.send(numbered(i, 20_000))
      })()
      expect((await read(client, 200)).map(numberOf)).toEqual([...Array(200).keys()])
      await sent
      client.close()
      await echo
    })

    it('rejects a dial to nobody with session.unreachable', async () => {
      const { dial, listener } = await listen()
      await listener.stop()
      expect(await codeOf(dial())).toBe('session.unreachable')
    })

    it('rejects a dial whose signal is aborted', async () => {
      const { dial } = await listen()
      expect(await codeOf(dial(AbortSignal.abort()))).toBe('session.unreachable')
    })

    it('breaks open connections when the listener stops, and may be stopped twice', async () => {
      const { client, server, listener } = await connect()
      const seen = codeOf(readAll(client))
      await listener.stop()
      await listener.stop()
      expect(await seen).toBe('session.closed')
      await server.closed
      await client.closed
    })
  })
}

/** Values that come in one by one, and the promise of the next. */
export class Arrivals<Value> {
  readonly #values: Value[] = []
  readonly #waiting: ((value: Value) => void)[] = []

  put(value: Value): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#values.push(value)
    else waiting(value)
  }

  take(): Promise<Value> {
    const value = this.#values.shift()
    return value === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(value)
  }
}

/** A frame that starts with a number and is filled with a pattern of it. */
export function numbered(number: number, length: number): Uint8Array {
  const frame = new Uint8Array(length).fill((number + 1) % 256)
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

export const numberOf = (frame: Uint8Array): number => new DataView(frame.buffer, frame.byteOffset).getUint32(0)

/** The next `count` frames, fewer if the connection ends before. */
export async function read(connection: Connection, count: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  for await (const frame of connection.frames) {
    frames.push(frame)
    if (frames.length === count) break
  }
  return frames
}

export const readAll = (connection: Connection): Promise<Uint8Array[]> => read(connection, Number.POSITIVE_INFINITY)

export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'nothing thrown'> {
  try {
    await promise
    return 'nothing thrown'
  } catch (error) {
    if (error instanceof ParleyError) return error.code
    throw error
  }
}

/** Resolves when a figure has stood still for a while: there is no event for "nothing more happens". */
export async function quiet(figure: () => number): Promise<void> {
  for (let still = 0, last = figure(); still < 5; last = figure()) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    still = figure() === last ? still + 1 : 0
  }
}
