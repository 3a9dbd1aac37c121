import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CrossValidateOptions,
  crossValidate,
  type FoldResult,
  foldsReport,
  ResultFolder,
  runReport,
  type Scenario,
  scenarioDigest,
  writeWhole,
} from '../../sim/index.ts'
import type { Output } from '../output.ts'
import { Pace } from '../sim-pace.ts'
import { foldLine, foldsText, simulatedRoundLine } from '../sim-text.ts'

/** What a run's folder holds of a cross-validation, beside a folder for each fold. */
const files = ['folds.json', 'folds.jsonl', 'report.html'] as const

/** Cross-validation over clients: as many simulations as folds, each with its results in a folder of its own. */
export async function runFolds(
  scenario: Scenario,
  path: string,
  options: Pick<CrossValidateOptions, 'folds' | 'folder' | 'workers' | 'signal' | 'base'>,
  output: Output,
): Promise<number> {
  const { plan, world } = scenario
  const { folds: count } = options
  const head = { name: plan.name, scenario: scenarioDigest(scenario), clients: world.clients, folds: count }
  output.event(
    { event: 'started', ...head, of: plan.rounds, out: path },
    `${plan.name}: ${world.clients} clients in ${count} folds, ${plan.rounds} rounds each`,
  )
  const pace = new Pace(output, () => 'the data are read and dealt')
  let begun = false
  try {
    const validation = await crossValidate(scenario, {
      ...options,
      onEvent: (event, fold) => {
        const done = (fold - 1) * plan.rounds
        if (event.type === 'ready') {
          if (!begun) pace.begin(() => 'the first fold is under way')
          begun = true
        } else if (event.type === 'round') {
          const secondsLeft = pace.left(done + event.round.round, count * plan.rounds)
          const line = simulatedRoundLine(event.round, event.of, secondsLeft)
          output.event(
            { event: 'round', fold, ...event.round, of: event.of, secondsLeft },
            `fold ${fold}/${count}  ${line}`,
          )
          pace.heard(() => `fold ${fold} is under way`)
        } else {
          output.event({ event: 'restarted', fold, round: event.round })
        }
      },
      onFold: async (fold) => {
        // What stands there of an earlier cross-validation is not of this one.
        if (fold.fold === 1) for (const name of files) await rm(join(path, name), { force: true })
        await writeFold(join(path, `fold-${fold.fold}`), fold)
        output.event({ event: 'fold', ...foldRecord(fold) }, foldLine(fold, count))
      },
    })
    const { folds, ...rest } = validation
    const records = folds.map(foldRecord)
    await writeWhole(join(path, 'folds.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    await writeWhole(join(path, 'report.html'), foldsReport(validation))
    await writeWhole(join(path, 'folds.json'), `${JSON.stringify({ ...rest, folds: records }, null, 2)}\n`)
    output.event({ event: 'done', metrics: validation.metrics, out: path }, `\n${foldsText(validation)}`)
    output.say(`\nresults are in ${path}: look at ${join(path, 'report.html')}`)
    return folds.some(({ result }) => result.outcome.kind === 'failed') ? 4 : 0
  } finally {
    pace.end()
  }
}

async function writeFold(path: string, { scenario, result }: FoldResult): Promise<void> {
  const folder = await ResultFolder.open(path)
  try {
    for (const round of result.rounds) folder.addRound(round)
    await folder.complete(scenario, result, runReport(result))
  } finally {
    await folder.abandon()
  }
}

/** A fold without its rounds, which stand in its own folder. */
function foldRecord({ fold, heldOut, outside, inside, result }: FoldResult) {
  const { outcome, weights, scenario } = result
  return { fold, heldOut, outside, inside, outcome, weights, scenario }
}
