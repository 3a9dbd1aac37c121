import { join } from 'node:path'
import { InvalidArgumentError } from 'commander'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { BaseFiles } from '../../core/import/base-model.ts'
import { systemClock } from '../../core/system-clock.ts'
import {
  compareReport,
  compareRuns,
  ResultFolder,
  readRun,
  readScenario,
  readSweep,
  runReport,
  type Scenario,
  type Sweep,
  scenarioDigest,
  simulate,
  sweep,
  sweepReport,
  writeWhole,
} from '../../sim/index.ts'
import { readBaseFiles } from '../base-files.ts'
import { action, command, group } from '../command.ts'
import { type Output, reportFailure } from '../output.ts'
import { Pace } from '../sim-pace.ts'
import { cellLine, comparisonText, duration, simulatedRoundLine, simulationText, sweepText } from '../sim-text.ts'
import { runFolds } from './sim-folds.ts'

type Options = { readonly data?: string; readonly out?: string; readonly workers?: number }
type RunOptions = Options & { readonly folds?: number; readonly base?: string }

const run = command('run', 'simulate a scenario: the coordinator’s and the clients’ own code, in virtual time')
  .argument('<scenario>', 'the scenario, YAML: a plan or the path of one, and its world')
  .option('--data <folder>', 'from where paths of data files are counted; by default the scenario’s own folder')
  .option('--out <folder>', 'where the results go; by default sim-out/<name>-<digest>')
  .option('--workers <n>', 'training threads, by default one for each processor; 0 trains in the main thread', threads)
  .option(
    '--folds <k>',
    'cross-validation over clients: as many simulations, in each of which another part of the clients is held out and evaluated',
    foldCount,
  )
  .option('--base <file>', 'the model that the plan starts from: safetensors, or model.json of TF.js layers')
  .action(
    action<RunOptions>(async ({ folds, base: file, ...options }, output, path = '') => {
      const { value: scenario, folder } = await readScenario(path)
      const base = file === undefined ? undefined : await readBaseFiles(file)
      const data = options.data ?? folder
      if (folds === undefined) {
        return await interruptible(output, (signal) =>
          runScenario(scenario, { ...options, data, base }, output, signal),
        )
      }
      const out = options.out ?? `${defaultFolder(scenario.plan.name, scenarioDigest(scenario))}-${folds}-folds`
      const { workers } = options
      return await interruptible(output, (signal) =>
        runFolds(
          scenario,
          out,
          { folds, folder: data, base, signal, ...(workers === undefined ? {} : { workers }) },
          output,
        ),
      )
    }),
  )

async function runScenario(
  scenario: Scenario,
  { data, out, workers, base }: Options & { readonly base: BaseFiles | undefined },
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { plan, world } = scenario
  const digest = scenarioDigest(scenario)
  const path = out ?? defaultFolder(plan.name, digest)
  const attackers = world.attackers?.count ?? 0
  output.event(
    {
      event: 'started',
      name: plan.name,
      scenario: digest,
      clients: world.clients,
      attackers,
      of: plan.rounds,
      out: path,
    },
    `${plan.name}: ${world.clients} clients, ${attackers} of them attackers, ${plan.rounds} rounds`,
  )
  const results = await ResultFolder.open(path)
  const pace = new Pace(output, () => 'the data are read and dealt')
  try {
    const result = await simulate(scenario, {
      ...(data === undefined ? {} : { folder: data }),
      ...(workers === undefined ? {} : { workers }),
      base,
      signal,
      onEvent: (event) => {
        if (event.type === 'ready') {
          output.event({ event: 'ready', parameters: event.parameters }, `model of ${event.parameters} parameters`)
          pace.begin(() => 'round 1 is under way')
        } else if (event.type === 'round') {
          const { round, of } = event
          results.addRound(round)
          const secondsLeft = pace.left(round.round, of)
          output.event({ event: 'round', ...round, of, secondsLeft }, simulatedRoundLine(round, of, secondsLeft))
          pace.heard(() => (round.round < of ? `round ${round.round + 1} is under way` : 'the run ends'))
        } else {
          const { round } = event
          output.event({ event: 'restarted', round }, `the coordinator died in round ${round}, and came back`)
        }
      },
    })
    await results.complete(scenario, result, runReport(result))
    const { outcome, weights, suspects, trainedOn } = result
    output.event({ event: 'done', outcome, weights, suspects, trainedOn, out: path }, simulationText(result))
    output.say(`results are in ${path}: look at ${join(path, 'report.html')}`)
    return outcome.kind === 'failed' ? 4 : 0
  } finally {
    pace.end()
    await results.abandon()
  }
}

const sweepCommand = command('sweep', 'simulate many variants of a scenario and compare them; goes on where it was')
  .argument('<sweep>', 'the sweep, YAML: a scenario or the path of one, and what is varied')
  .option('--data <folder>', 'from where paths of data files are counted; by default the scenario’s own folder')
  .option('--out <folder>', 'where the results go; by default sim-out/<name>-<digest>')
  .option(
    '--workers <n>',
    'simulations side by side, by default one for each processor; 0 is one, in the main thread',
    threads,
  )
  .action(
    action<Options>(async (options, output, path = '') => {
      const { value, folder } = await readSweep(path)
      return await interruptible(output, (signal) =>
        runSweep(value, { ...options, data: options.data ?? folder }, output, signal),
      )
    }),
  )

async function runSweep(
  definition: Sweep,
  { data, out, workers }: Options,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const path = out ?? defaultFolder(nameOf(definition), digestOf(definition))
  const pace = new Pace(output, () => 'the first points are under way')
  let known = 0
  const left = (done: number, of: number) => pace.left(done - known, of - known)
  try {
    const result = await sweep(definition, {
      ...(data === undefined ? {} : { folder: data }),
      ...(workers === undefined ? {} : { workers }),
      journal: join(path, 'points.jsonl'),
      signal,
      onEvent: (event) => {
        if (event.type === 'ready') {
          output.event({ event: 'started', of: event.of, out: path }, `${event.of} simulations, results in ${path}`)
          pace.begin(() => 'the first points are under way')
        } else if (event.type === 'progress') {
          const { underWay, done, of } = event
          const words = () => {
            const seconds = left(done + underWay, of)
            return `${done}/${of} done${seconds === undefined ? '' : `, about ${duration(seconds)} left`}`
          }
          pace.know(words)
        } else {
          const { cell, fresh, done, of } = event
          if (!fresh) known++
          const progress = { done, of, fresh, secondsLeft: left(done, of) }
          output.event({ event: 'cell', ...cell, ...progress }, cellLine(cell, definition.metric, progress))
          pace.heard()
        }
      },
    })
    await writeWhole(join(path, 'report.html'), sweepReport(result.table))
    await writeWhole(join(path, 'table.json'), `${JSON.stringify({ ...result.table, cells: result.cells }, null, 2)}\n`)
    output.event(
      { event: 'done', table: result.table, best: result.best, worst: result.worst, out: path },
      `\n${sweepText(result)}`,
    )
    output.say(`\nresults are in ${path}: look at ${join(path, 'report.html')}`)
    return 0
  } finally {
    pace.end()
  }
}

const compare = command('compare', 'show in what two simulations differ: scenario, figures, weights')
  .argument('<a>', 'folder of results, or the result.json in it')
  .argument('<b>', 'another')
  .option('--report <file>', 'write a report with plots there as well, HTML')
  .action(
    action<{ readonly report?: string }>(async ({ report }, output, a = '', b = '') => {
      const [one, other] = await Promise.all([readRun(a), readRun(b)])
      const comparison = compareRuns(one, other)
      if (report !== undefined) await writeWhole(report, compareReport(one.result, other.result, [a, b]))
      output.result(comparison, comparisonText(comparison))
      return 0
    }),
  )

function defaultFolder(name: string, digest: string): string {
  return join('sim-out', `${name}-${digest.slice(0, 8)}`)
}

function nameOf({ base }: Sweep): string {
  const { plan } = base as { readonly plan?: { readonly name?: unknown } }
  // An axis may set the name, and then a value of it has been checked.
  return typeof plan?.name === 'string' ? plan.name : 'sweep'
}

/** The same sweep finds its folder, and so what is done of it, again. */
function digestOf(definition: Sweep): string {
  return toHex(nodeCrypto.sha256(utf8(canonicalJson(JSON.parse(JSON.stringify(definition)) as CanonicalValue))))
}

function threads(text: string): number {
  const value = Number(text)
  if (!/^\d{1,4}$/.test(text) || value > 1024) throw new InvalidArgumentError('a whole number from 0 to 1024')
  return value
}

function foldCount(text: string): number {
  const value = Number(text)
  if (!/^\d{1,6}$/.test(text) || value < 2) throw new InvalidArgumentError('a whole number from 2 on')
  return value
}

/** npx passes a signal on that the terminal has sent to the whole group: two within this time are one. */
const SAME_SIGNAL_MS = 1_000

/** Ends the work at the first SIGINT or SIGTERM, which gives the exit code; at the second the process ends at once. */
async function interruptible(output: Output, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const abort = new AbortController()
  let told: number | undefined
  const stop = () => {
    const now = systemClock.monotonic()
    if (told !== undefined && now - told > SAME_SIGNAL_MS) process.exit(130)
    told ??= now
    abort.abort()
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, stop)
  try {
    return await work(abort.signal)
  } catch (failure) {
    const error = ParleyError.from(failure)
    if (!abort.signal.aborted || error.code !== 'interrupted') throw failure
    if (!output.json) reportFailure(error, false)
    output.event({ schemaVersion: '1', status: 'error', exitCode: 130, error: error.describe() })
    return 130
  } finally {
    for (const signal of signals) process.removeListener(signal, stop)
  }
}

export const simCommand = group(
  'sim',
  'simulate federations, and sweep over variants of them',
  run,
  sweepCommand,
  compare,
)
