import { leadingOf } from '../core/metrics/metrics.ts'
import { inTimes } from '../core/run/holdout.ts'
import type { HoldoutSummary, RunView } from '../core/run/view.ts'

/** What is known of the last round that was evaluated on the coordinator's own rows, beyond its metrics; no lines for none. */
export function holdoutLines(view: RunView): string[] {
  const holdout = view.history.findLast((round) => round.holdout !== undefined)?.holdout
  return holdout === undefined ? [] : linesOf(holdout)
}

function linesOf(holdout: HoldoutSummary): string[] {
  if ('failure' in holdout) return [`holdout: ${holdout.failure}`]
  const { sha256, rows, looks, metrics, champion, perturbed, triggers } = holdout
  const lines = [`holdout ${sha256.slice(0, 12)}: ${rows} rows, looked at ${inTimes(looks)}`]
  if (champion !== undefined && metrics.mae === undefined) {
    lines.push(`  ${champion.changed} rows are given another class than by version ${champion.version}`)
  }
  for (const { noise, metrics: own } of perturbed) {
    const [name] = leadingOf([own])
    lines.push(`  with noise of ${noise}: ${name} ${own[name]?.toFixed(4) ?? '-'}`)
  }
  for (const { target, others, given } of triggers) lines.push(`  trigger: ${given} of ${others} rows given ${target}`)
  return lines
}
