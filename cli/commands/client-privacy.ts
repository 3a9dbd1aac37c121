import { runPart } from '../../client/index.ts'
import { epsilonOf, type Ledger } from '../../core/privacy/index.ts'
import { action, command } from '../command.ts'
import { homeOf } from '../home.ts'
import { deltaOption, epsilonOption } from '../options.ts'
import { readLedger, USUAL_DELTA } from '../privacy-ledger.ts'

type Options = {
  readonly home: string
  readonly privacyBudget?: number
  readonly privacyDelta: number
  readonly recordBudget?: number
  readonly recordDelta: number
}

/** What one run took of it: ε by itself, which does not add up to that of all. */
type RunSpent = { readonly run: string; readonly rounds: readonly string[]; readonly epsilon: number }

export const clientPrivacyCommand = command(
  'privacy',
  'show what a client has spent of its privacy, and of that of each of its rows, over all its runs',
)
  .option('--home <folder>', 'folder of the client', '.parley/client')
  .option('--privacy-budget <epsilon>', 'its limit, to show how much of it is left', epsilonOption)
  .option('--privacy-delta <delta>', 'δ at which ε is told', deltaOption, USUAL_DELTA)
  .option('--record-budget <epsilon>', 'the limit of each row, to show how much of it is left', epsilonOption)
  .option('--record-delta <delta>', 'δ at which ε of rows is told', deltaOption, USUAL_DELTA)
  .action(
    action<Options>(async (options, output) => {
      const home = homeOf(options.home)
      const whole = spentIn(await readLedger(home.ledger), options.privacyDelta, options.privacyBudget)
      const records = spentIn(await readLedger(home.recordLedger), options.recordDelta, options.recordBudget)
      const ofRows = records.rounds === 0 ? [] : ['each training row:', ...textOf(records).map((line) => `  ${line}`)]
      output.result({ ...whole, records }, [...textOf(whole), ...ofRows].join('\n'))
      return 0
    }),
  )

function spentIn(ledger: Ledger, delta: number, budget: number | undefined) {
  const { epsilon, accountant } = epsilonOf(ledger, delta)
  const runs = runsOf(ledger).map((run): RunSpent => {
    const own = runPart(ledger, run)
    const rounds = own.entries.flatMap(({ keys }) => keys)
    return { run, rounds, epsilon: epsilonOf(own, delta).epsilon }
  })
  const rounds = runs.reduce((sum, one) => sum + one.rounds.length, 0)
  return { epsilon, delta, accountant, rounds, ...(budget === undefined ? {} : { budget }), runs, ledger }
}

function textOf({ epsilon, delta, rounds, budget, runs }: ReturnType<typeof spentIn>): string[] {
  return [
    `ε ${epsilon.toPrecision(3)}${budget === undefined ? '' : ` of ${budget}`} (δ ${delta}) in ${rounds} rounds`,
    ...runs.map((one) => `  ${one.run}  ${one.rounds.length} rounds  ε ${one.epsilon.toPrecision(3)} by itself`),
  ]
}

/** Runs that have paid: keys are `run/round#attempt`. */
function runsOf({ entries }: Ledger): string[] {
  return [...new Set(entries.flatMap(({ keys }) => keys.map((key) => key.slice(0, Math.max(0, key.lastIndexOf('/'))))))]
}
