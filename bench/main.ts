/** `npm run -s bench -- NAME [--json] [options]`: one measurement, one line of JSON. */
import { parseArgs } from 'node:util'

type Options = { readonly data: string | undefined; readonly threads: number | undefined }

const benchmarks: Readonly<Record<string, (options: Options) => Promise<object>>> = {
  rounds: async () => (await import('./rounds.ts')).benchRounds(),
  heart: async ({ data }) => {
    if (data === undefined) throw new Error('--data: the folder with the four UCI files')
    return (await import('./heart.ts')).benchHeart(data)
  },
  records: async ({ data }) => {
    if (data === undefined) throw new Error('--data: a folder with heart, the four UCI files, and mnist')
    return (await import('./records.ts')).benchRecords(data)
  },
  carriers: async () => ({ rows: await (await import('./carriers.ts')).benchCarriers() }),
  journal: async () => (await import('./journal.ts')).benchJournal(),
  crash: async () => (await import('./crash.ts')).benchCrash(),
  aggregation: async ({ threads }) => (await import('./aggregation.ts')).benchAggregation(threads),
  memory: async () => (await import('./memory.ts')).benchMemory(),
  kernels: async () => (await import('./kernels.ts')).benchKernels(),
  'sim-noop': async () => (await import('./sim-noop.ts')).benchSimNoop(),
  'sim-2nn': async () => (await import('./sim-2nn.ts')).benchSim2nn(),
  'sim-memory': async () => (await import('./sim-memory.ts')).benchSimMemory(),
  rollback: async () => (await import('./rollback.ts')).benchRollback(),
  secagg: async () => (await import('./secagg.ts')).benchSecagg(),
  transfer: async () => (await import('./transfer.ts')).benchTransfer(),
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, data: { type: 'string' }, threads: { type: 'string' } },
})
const [name] = positionals
const benchmark = name === undefined ? undefined : benchmarks[name]
if (benchmark === undefined) {
  process.stderr.write(`usage: npm run -s bench -- NAME [--json]; names: ${Object.keys(benchmarks).join(', ')}\n`)
  process.exit(2)
}
const result = await benchmark({
  data: values.data,
  threads: values.threads === undefined ? undefined : Number(values.threads),
})
process.stdout.write(`${values.json === true ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`)
process.exit(0)
