import { emptyLedger, epsilonOf, type Ledger } from '../../core/privacy/index.ts'
import { action, command } from '../command.ts'
import { homeOf } from '../home.ts'
import { deltaOption, epsilonOption } from '../options.ts'
import { readLedger, USUAL_DELTA } from '../privacy-ledger.ts'

type Options = {
  readonly home: string
  readonly privacyBudget?: number
  readonly privacyDelta: number
}

/** What one run took of it: ε by itself, which does not add up to that of all. */
type RunSpent = { readonly run: string; readonly rounds: readonly string[]; readonly epsilon: number }

export const clientPrivacyCommand = command('privacy', 'show what a client has spent of its privacy, over all its runs')
  .option('--home <folder>', 'folder of the client', '.parley/client')
  .option('--privacy-budget <epsilon>', 'its limit, to show how much of it is left', epsilonOption)
  .option('--privacy-delta <delta>', 'δ at which ε is told', deltaOption, USUAL_DELTA)
  .action(
    action<Options>(async ({ home, privacyBudget, privacyDelta: delta }, output) => {
      const ledger = await readLedger(homeOf(home).ledger)
      const { epsilon, accountant } = epsilonOf(ledger, delta)
      const runs = runsOf(ledger).map(([run, own]) => {
        const rounds = own.entries.flatMap(({ keys }) => keys)
        return { run, rounds, epsilon: epsilonOf(own, delta).epsilon } satisfies RunSpent
      })
      const rounds = runs.reduce((sum, one) => sum + one.rounds.length, 0)
      const budget = privacyBudget === undefined ? {} : { budget: privacyBudget }
      output.result(
        { epsilon, delta, accountant, rounds, ...budget, runs, ledger },
        [
          `ε ${epsilon.toPrecision(3)}${privacyBudget === undefined ? '' : ` of ${privacyBudget}`} (δ ${delta}) in ${rounds} rounds`,
          ...runs.map((one) => `  ${one.run}  ${one.rounds.length} rounds  ε ${one.epsilon.toPrecision(3)} by itself`),
        ].join('\n'),
      )
      return 0
    }),
  )

/** A ledger for each run: keys are `run/round#attempt`. */
function runsOf({ entries }: Ledger): [run: string, ledger: Ledger][] {
  const runOf = (key: string) => key.slice(0, Math.max(0, key.lastIndexOf('/')))
  const runs = [...new Set(entries.flatMap(({ keys }) => keys.map(runOf)))]
  return runs.map((run) => {
    const own = entries.map(({ spend, keys }) => ({ spend, keys: keys.filter((key) => runOf(key) === run) }))
    return [run, { ...emptyLedger, entries: own.filter(({ keys }) => keys.length > 0) }]
  })
}
