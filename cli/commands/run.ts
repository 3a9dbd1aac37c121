import type { RunListing } from '../../core/run/listing.ts'
import type { RunView } from '../../core/run/view.ts'
import type { RequestView } from '../../server/index.ts'
import { action, command, group } from '../command.ts'
import { holdoutLines } from '../holdout-text.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { latencyLines } from '../latency-text.ts'
import { readText } from '../options.ts'
import type { Output } from '../output.ts'
import { remote } from '../remote.ts'
import { requestText } from '../request-text.ts'
import {
  listingLine,
  metricsTable,
  outcomeText,
  privacyText,
  progressLine,
  recordsLines,
  recordsText,
  robustnessTable,
  roundLine,
  suspectLines,
} from '../run-text.ts'

const start = remote(command('start', 'start a run of a plan'))
  .argument('<plan>', 'the plan, YAML')
  .option('--watch', 'stay and show the run until it is over')
  .action(
    action<RemoteOptions & { watch?: boolean }>(async (options, output, plan = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const body = { type: 'application/yaml', text: await readText(plan) }
      const answer = (await coordinator.json('POST', '/v1/runs', body)) as RunView | { readonly request: RequestView }
      if ('request' in answer) {
        output.result(answer, requestText(answer.request))
        return 0
      }
      const view = answer
      if (options.watch === true) return watchRun(coordinator, view.run, output)
      output.result(view, `started ${view.run}; watch it with: parley run watch ${view.run}`)
      return 0
    }),
  )

const status = remote(command('status', 'show a run, or all of them'))
  .argument('[run]', 'id of the run')
  .action(
    action<RemoteOptions>(async (options, output, run) => {
      const coordinator = await RemoteCoordinator.connect(options)
      if (run === undefined) {
        const { runs } = (await coordinator.json('GET', '/v1/runs')) as { runs: RunListing[] }
        output.result(
          { runs },
          runs.map((view) => `${view.run}  ${view.model}  ${listingLine(view)}`).join('\n') || 'no runs',
        )
        return 0
      }
      const view = (await coordinator.json('GET', `/v1/runs/${encodeURIComponent(run)}`)) as RunView
      output.result(view, statusText(view))
      return 0
    }),
  )

const watch = remote(command('watch', 'follow a run until it is over; with --json one event a line'))
  .argument('<run>', 'id of the run')
  .action(
    action<RemoteOptions>(async (options, output, run = '') => {
      return watchRun(await RemoteCoordinator.connect(options), run, output)
    }),
  )

const pause = steering(
  'pause',
  'open no further round of a run; an open one comes to its end',
  'paused by the operator',
)
const resume = steering('resume', 'let a paused run go on', 'resumed by the operator')
const stop = steering('stop', 'end a run; an open round is given up', 'stopped by the operator')

function steering(act: 'pause' | 'resume' | 'stop', description: string, reason: string) {
  return remote(command(act, description))
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'why, for the record', reason)
    .action(
      action<RemoteOptions & { reason: string }>(async (options, output, run = '') => {
        const coordinator = await RemoteCoordinator.connect(options)
        const body = { type: 'application/json', text: JSON.stringify({ reason: options.reason }) }
        const view = (await coordinator.json('POST', `/v1/runs/${encodeURIComponent(run)}/${act}`, body)) as RunView
        output.result(view, outcomeText(view))
        return 0
      }),
    )
}

async function watchRun(coordinator: RemoteCoordinator, run: string, output: Output): Promise<number> {
  const abort = new AbortController()
  process.once('SIGINT', () => abort.abort())
  let shown = 0
  let last: RunView | undefined
  for await (const event of coordinator.events(`/v1/runs/${encodeURIComponent(run)}/events`, abort.signal)) {
    const view = event as RunView
    last = view
    const whole = view.privacy === undefined ? '' : `  ${privacyText(view.privacy)}`
    const spent = view.records === undefined ? whole : `${whole}  ${recordsText(view.records)}`
    for (const round of view.history.slice(shown)) output.say(`${roundLine(round, view.rounds)}${spent}`)
    shown = view.history.length
    output.event({ ...view, terminal: view.phase === 'over' })
  }
  if (last !== undefined) output.say(statusText(last))
  return exitCodeOf(last)
}

/** 0 for a run that published, and 4 for one whose candidate did not pass or that failed. */
export function exitCodeOf(view: RunView | undefined): number {
  const kind = view?.outcome?.kind
  return kind === 'rejected' || kind === 'failed' ? 4 : 0
}

function statusText(view: RunView): string {
  const table = view.history.some(({ pooled }) => pooled !== undefined) ? [metricsTable(view)] : []
  const members = view.engaged.map(
    ({ client, phase, connected, code }) =>
      `  ${client}: ${phase}${connected ? '' : ', not connected'}${code === undefined ? '' : `, ${code}`}`,
  )
  const report = view.history.findLast(({ robustness }) => robustness !== undefined)?.robustness
  const combined = report === undefined ? [] : [robustnessTable(report)]
  const head = `${view.run}  ${view.model}  ${progressLine(view)}`
  return [
    head,
    ...members,
    ...table,
    ...holdoutLines(view),
    ...latencyLines(view),
    ...recordsLines(view),
    ...combined,
    ...suspectLines(view.suspects),
    outcomeText(view),
  ].join('\n')
}

export const runCommand = group('run', 'start, follow, pause and stop runs', start, status, watch, pause, resume, stop)
