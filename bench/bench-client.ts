/** A client process of a benchmark: `node bench-client.js '<JSON>'`. Trains nothing; ends with its standard input. */
import { createClientNode, dialUrl } from '../client/index.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import { fromHex } from '../core/encoding/bytes.ts'
import { systemClock } from '../core/system-clock.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { defaultLimits } from '../core/wire/limits.ts'
import { mlpLayout, noopTrainer } from './noop-trainer.ts'

type BenchClient = {
  readonly seed: string
  readonly coordinatorKey: string
  readonly urls: readonly string[]
  readonly inputs: number
  readonly hidden: number
  readonly distance: number
}

const config = JSON.parse(process.argv[2] ?? '{}') as BenchClient
const rounds = new Map<string, number>()
const node = createClientNode({
  crypto: nodeCrypto,
  clock: systemClock,
  identity: nodeCrypto.signingKey(fromHex(config.seed) ?? new Uint8Array(0)),
  coordinatorKey: fromHex(config.coordinatorKey) ?? new Uint8Array(0),
  dials: config.urls.map((url) => dialUrl(url)),
  trainer: async () => noopTrainer(mlpLayout(config.inputs, config.hidden), config.distance),
  memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
  limits: defaultLimits,
  minCohort: 1,
  agent: 'bench',
  unsafeAllowAnyPlan: true,
  onEvent: (event) => {
    if (event.type === 'receipt' && event.kind === 'train' && event.accepted) {
      process.stdout.write(`${JSON.stringify({ run: event.run, round: event.round })}\n`)
    }
    if (event.type === 'declined') process.stderr.write(`${event.error.code}: ${event.error.message}\n`)
  },
})
keepLargeBlocks()
node.start()
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
