import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunView } from '../core/run/view.ts'
import { type CrashPoint, crashPoints } from './crash-points.ts'
import { benchClient, type Ports } from './federation.ts'

const ROUNDS = 24
const model = { inputs: 100, hidden: 980 }
const script = fileURLToPath(new URL('./crash-coordinator.js', import.meta.url))

/**
 * `kill -9` of the coordinator at one point in each of 24 rounds, before and after every event that its journal takes, and
 * a restart each time, against the same run left alone. Two clients, one over gRPC and one over WebSocket.
 */
export async function benchCrash() {
  const undisturbed = await runWith([])
  const crashed = await runWith(crashPoints(ROUNDS))
  const made = crashed.view.history.filter(({ weights }) => weights !== undefined)
  const journalled = new Set(
    crashed.view.history.flatMap(({ round, accepted }) => accepted.map((client) => `${client}/${round}`)),
  )
  const lost = [...crashed.receipts].filter((receipt) => !journalled.has(receipt))
  return {
    points: crashed.kills,
    roundsLost: ROUNDS - made.length + (crashed.view.history.length - made.length),
    acceptedUpdatesLost: lost.length,
    receipts: crashed.receipts.size,
    sameFinalDigest: made.at(-1)?.weights === undisturbed.view.history.at(-1)?.weights,
    published: crashed.view.outcome?.kind === 'published' && crashed.view.outcome.version === 1,
    longestPauseMs: Math.round(crashed.longestPauseMs),
  }
}

async function runWith(points: readonly CrashPoint[]) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-crash-'))
  const ports: Ports = { grpcPort: await freePort(), httpPort: await freePort() }
  const urls = [`grpc://127.0.0.1:${ports.grpcPort}`, `ws://127.0.0.1:${ports.httpPort}/v1/session`]
  const receipts = new Set<string>()
  const clients = urls.map((url, index) =>
    benchClient(index, [url], model, (line) => {
      receipts.add(`client-${index}/${(JSON.parse(line) as { round: number }).round}`)
    }),
  )
  try {
    return { ...(await livesOf(folder, ports, points)), receipts }
  } finally {
    for (const client of clients) await client.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Starts the coordinator again and again, one point further each time, until the run is over. */
async function livesOf(folder: string, ports: Ports, points: readonly CrashPoint[]) {
  let kills = 0
  let longestPauseMs = 0
  let diedAt: number | undefined
  for (;;) {
    const config = { folder, model, rounds: ROUNDS, ports, point: points[kills] }
    const child = spawn(process.execPath, [...process.execArgv, script, JSON.stringify(config)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let view: RunView | undefined
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string; view?: RunView }
      if (diedAt !== undefined) longestPauseMs = Math.max(longestPauseMs, performance.now() - diedAt)
      diedAt = undefined
      view = event.view ?? view
    })
    const [, signal] = (await once(child, 'close')) as [number | null, string | null]
    if (view !== undefined) return { view, kills, longestPauseMs }
    if (signal !== 'SIGKILL') throw new Error('the coordinator ended without the run being over')
    kills++
    diedAt = performance.now()
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
