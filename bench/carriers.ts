/** Speed of the carriers: 64 MiB in frames of 1 MiB between two processes over loopback, without TLS. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { dialUrl } from '../client/carriers/dial.ts'
import { utf8 } from '../core/encoding/bytes.ts'
import type { Connection } from '../core/wire/connection.ts'
import { defaultLimits } from '../core/wire/limits.ts'
import { createAdmission } from '../server/transport/admission.ts'
import { listenGrpc } from '../server/transport/grpc.ts'
import { listenWebSocket } from '../server/transport/websocket.ts'

export type CarrierRow = {
  readonly carrier: 'grpc' | 'ws'
  readonly direction: 'up' | 'down'
  /** Median over the repetitions, in 10^6 bytes per second. */
  readonly megabytesPerSecond: number
  /** Median processor time of the server for the 64 MiB, user and system, in milliseconds. */
  readonly serverCpuMs: number
}

const FRAME_BYTES = 1024 * 1024
const FRAMES = 64
const CHILD = 'serve-carriers'

const listeners = { grpc: listenGrpc, ws: listenWebSocket } as const

/** Measures both carriers in both directions, one after the other; `repetitions` after one to warm up. */
export async function benchCarriers(repetitions = 7): Promise<CarrierRow[]> {
  const child = fork(fileURLToPath(import.meta.url), [CHILD])
  try {
    const [urls] = (await once(child, 'message')) as [Record<CarrierRow['carrier'], string>]
    const rows: CarrierRow[] = []
    for (const carrier of ['grpc', 'ws'] as const) {
      for (const direction of ['up', 'down'] as const) {
        const runs: Run[] = []
        for (let i = 0; i <= repetitions; i++) runs.push(await transfer(urls[carrier], direction))
        runs.shift()
        const seconds = median(runs.map((run) => run.seconds))
        rows.push({
          carrier,
          direction,
          megabytesPerSecond: Math.round((FRAME_BYTES * FRAMES) / seconds / 1e6),
          serverCpuMs: Math.round(median(runs.map((run) => run.cpuMs))),
        })
      }
    }
    return rows
  } finally {
    child.kill()
  }
}

type Run = { readonly seconds: number; readonly cpuMs: number }

async function transfer(url: string, direction: CarrierRow['direction']): Promise<Run> {
  const connection = await dialUrl(url)()
  const frames = connection.frames[Symbol.asyncIterator]()
  await connection.send(utf8(direction))
  // The server is ready, and has widened its window.
  await frames.next()
  const start = performance.now()
  if (direction === 'up') await sendFrames(connection)
  else for (let i = 0; i < FRAMES; i++) await frames.next()
  const { value } = await frames.next()
  const seconds = (performance.now() - start) / 1000
  connection.close()
  await connection.closed
  return { seconds, cpuMs: new DataView(value.buffer, value.byteOffset).getFloat64(0) }
}

async function serve(connection: Connection): Promise<void> {
  connection.authenticated?.()
  const frames = connection.frames[Symbol.asyncIterator]()
  const { value } = await frames.next()
  const down = value.length === 'down'.length
  await connection.send(new Uint8Array(1))
  const before = process.cpuUsage()
  if (down) await sendFrames(connection)
  else for (let i = 0; i < FRAMES; i++) await frames.next()
  const { user, system } = process.cpuUsage(before)
  const result = new DataView(new ArrayBuffer(8))
  result.setFloat64(0, (user + system) / 1000)
  await connection.send(new Uint8Array(result.buffer))
}

async function sendFrames(connection: Connection): Promise<void> {
  const frame = new Uint8Array(FRAME_BYTES).fill(1)
  for (let i = 0; i < FRAMES; i++) await connection.send(frame)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

if (process.argv[2] === CHILD && process.send !== undefined) {
  const admission = createAdmission()
  const urls: Record<string, string> = {}
  for (const [carrier, listen] of Object.entries(listeners)) {
    const handler = (connection: Connection) => void serve(connection).catch(() => connection.destroy())
    urls[carrier] = (await listen(handler, { port: 0, admission, limits: defaultLimits })).url
  }
  process.send(urls)
}
