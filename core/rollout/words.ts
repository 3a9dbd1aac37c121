import type { MetricComparison, MetricVerdict } from './compare.ts'

const verdicts: Readonly<Record<Exclude<MetricVerdict, 'too-few'>, string>> = {
  worse: 'more than the margin',
  'not-worse': 'within the margin',
  open: 'not yet told from the margin',
}

/** A comparison in one sentence, with its figures. */
export function inWords({ metric, margin, champion, challenger, harm, verdict, dependsOn }: MetricComparison): string {
  const from = `${challenger.consumers} and ${champion.consumers} consumers`
  if (verdict === 'too-few' || harm === null) return `${metric}: too few consumers counted it (${from})`
  const range = `${figure(harm.low)} to ${harm.high === null ? 'any' : figure(harm.high)}`
  const lone = dependsOn === undefined ? '' : `; ${dependsOn} alone would decide it`
  const values = `${figure(challenger.value)} against ${figure(champion.value)}`
  return `${metric}: ${values}, worse by ${range}: ${verdicts[verdict]} of ${figure(margin)}${lone} (${from})`
}

/** Three digits are what a decision needs. */
export function figure(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(3)))
}
