/**
 * The coordinator process of the crash benchmark: `node crash-coordinator.js '<JSON>'`. Starts the run when the store has
 * none, writes a line for each entry of its journal, and ends itself at its point with SIGKILL. Its last line is the run.
 */
import { type CrashPoint, crashingJournal } from './crash-points.ts'
import { type BenchModel, benchCoordinator, benchPlan, type Ports } from './federation.ts'

type CrashCoordinator = {
  readonly folder: string
  readonly model: BenchModel
  readonly rounds: number
  readonly ports: Ports
  readonly point?: CrashPoint
}

const { folder, model, rounds, ports, point } = JSON.parse(process.argv[2] ?? '{}') as CrashCoordinator
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const { api, stop } = await benchCoordinator(folder, model, 2, {
  ports,
  wrap: (journal) => crashingJournal(journal, point, () => say({ event: 'progress' })),
})
const gates = '[{ metric: accuracy, min: 0 }]'
const run = (await api.runs())[0]?.run ?? (await api.startRun(benchPlan({ model, rounds, clients: 2, gates }))).run
for await (const view of api.watch(run, new AbortController().signal))
  if (view.phase === 'over') say({ event: 'over', view })
await stop()
process.exit(0)
