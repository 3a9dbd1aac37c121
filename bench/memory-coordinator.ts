/** One aggregation in a process of its own, so that its peak memory is the aggregation's: see memory.ts. */
import { readFile } from 'node:fs/promises'
import { nodeCrypto } from '../core/crypto/node.ts'
import { parsePlan } from '../core/plan/parse.ts'
import { maskArithmeticOf } from '../core/secagg/index.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { createKernels } from '../kernels/index.ts'
import { openDurableStore } from '../server/index.ts'
import { aggregateUpdates } from '../server/rounds/aggregate-updates.ts'
import { roundKeys } from '../server/rounds/round-keys.ts'
import { settingsOf } from '../server/rounds/settings.ts'
import { benchPlan } from './federation.ts'
import { type MemoryInput, run, sealingSecret } from './memory.ts'

const [file = ''] = process.argv.slice(2)
const { folder, parameters, model, accepted, aggregation } = JSON.parse(await readFile(file, 'utf8')) as MemoryInput
keepLargeBlocks()
const store = await openDurableStore({ folder })
const kernels = createKernels()
const small = { inputs: 4, hidden: 2 }
const text = benchPlan({ model: small, rounds: 1, clients: accepted.length })
const plan = parsePlan(text.replace(/^aggregation:.*$/m, `aggregation: ${JSON.stringify(aggregation)}`))
const settings = settingsOf(plan, { plan: model, layout: '0'.repeat(64), parameters, maxRefusals: 1 })
const deps = {
  crypto: nodeCrypto,
  store,
  kernels,
  roundKeys: roundKeys(nodeCrypto, sealingSecret),
  masks: maskArithmeticOf(nodeCrypto),
  noise: () => nodeCrypto.randomBytes,
}
const memory = { optimizer: [], numbers: [] }
const began = performance.now()
const made = await aggregateUpdates(deps, plan, { run, round: 1, settings, model, accepted, memory })
const seconds = Number(((performance.now() - began) / 1000).toFixed(1))
await store.blobs.remove(made.model.digest)
await store.close()
await kernels.close()
// In KiB on Linux.
const rssMiB = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(`${JSON.stringify({ rssMiB, seconds })}\n`)
process.exit(0)
