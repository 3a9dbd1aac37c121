import type { MetricComparison } from '../../core/rollout/compare.ts'
import { figure } from '../../core/rollout/words.ts'
import type { RolloutState } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { ALIAS_REFERENCE, parseAlias } from '../model-reference.ts'
import { remote } from '../remote.ts'

type Options = RemoteOptions & { readonly apply?: boolean; readonly as?: string }

export const rollout = remote(
  command('rollout', 'show how a new version does beside the one in use, and what the plan makes of it'),
)
  .argument('<alias>', ALIAS_REFERENCE)
  .option('--apply', 'do what the plan says now: step up, promote, or go back')
  .option('--as <id>', 'who does it: refused unless the token is theirs')
  .action(
    action<Options>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { model, alias } = parseAlias(text)
      const path = `/v1/models/${model}/rollout`
      const state = (await coordinator.json('GET', `${path}?alias=${alias}`)) as RolloutState
      if (options.apply !== true) {
        output.result(state, rolloutText(state))
        return 0
      }
      // What is done is what was shown: a move of the alias since then refuses.
      const body = { alias, actor: options.as, expect: state.sequence }
      const done = (await coordinator.json('POST', path, {
        type: 'application/json',
        text: JSON.stringify(body),
      })) as RolloutState
      output.result(done, `${rolloutText(done)}\ndone: ${done.decision?.decision ?? 'nothing'}`)
      return 0
    }),
  )

/** A rollout for people. */
export function rolloutText(state: RolloutState): string {
  const { model, alias, champion, challenger, share, rollout: id, since, reports, plan, decision } = state
  const head = [
    `${model}@${alias}: version ${challenger} beside version ${champion}, for ${share / 100} % of the consumers`,
    `  ${id}, this step since ${since}; ${reports} reports`,
  ]
  if (plan === null || decision === null) {
    return [...head, '  the plan of that version fixes no rule for this alias: a person decides'].join('\n')
  }
  const steps = plan.steps.map((step) => `${step / 100} %`).join(', ')
  const budget = `  steps ${steps}; at most ${plan.alpha * 100} % of such rollouts go wrong; by itself: ${byItself(plan.automatic)}`
  const table = aligned([
    ['metric', `version ${champion}`, `version ${challenger}`, 'worse by', 'margin', 'verdict'],
    ...decision.metrics.map(row),
  ])
  const next = decision.share === undefined ? '' : ` to ${decision.share / 100} %`
  const why = decision.reasons.map((reason) => `  - ${reason}`)
  return [...head, budget, ...table, `decision: ${decision.decision}${next}`, ...why].join('\n')
}

function byItself(automatic: false | 'rollback' | 'both'): string {
  if (automatic === false) return 'nothing'
  return automatic === 'rollback' ? 'back only' : 'back and forward'
}

function row({ metric, margin, champion, challenger, harm, verdict }: MetricComparison): string[] {
  const side = ({ value, counted, consumers }: MetricComparison['champion']) =>
    `${figure(value)} of ${Math.round(counted)} (${consumers} consumers)`
  const range = harm === null ? '–' : `${figure(harm.low)} to ${harm.high === null ? 'any' : figure(harm.high)}`
  return [metric, side(champion), side(challenger), range, figure(margin), verdict]
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  return rows.map((cells) => `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
}
