import type { RunView } from '../../../core/run/view.ts'
import type { CertificateEnd } from '../gauges.ts'
import type { AlertName, Condition, Severity, Subject } from './alert.ts'
import { runConditions } from './run-conditions.ts'
import type { AlertRules } from './settings.ts'

/** Something that happened once, and is told of for a day, or until the coordinator is started again. */
export type Happened = {
  readonly alert: Extract<AlertName, 'audit-failing' | 'store-failing' | 'rollout-rolled-back'>
  readonly subject: Subject
  readonly summary: string
}

/** What alerts are decided on. Times are in milliseconds since the epoch. */
export type Facts = {
  readonly now: number
  /** Runs that are not over, and those that ended within a day. */
  readonly runs: readonly { readonly view: RunView; readonly since: number }[]
  /** Absent where there is no disk, or it could not be measured. */
  readonly freeBytes?: number
  readonly certificates: readonly CertificateEnd[]
  readonly happened: readonly Happened[]
}

export const coordinator: Subject = { kind: 'coordinator', id: 'coordinator' }

/** Everything that is out of the ordinary. Pure: the same facts give the same conditions. */
export function conditionsIn(facts: Facts, rules: AlertRules): Condition[] {
  return [
    ...facts.runs.flatMap(({ view, since }) => runConditions(view, since, facts.now, rules)),
    ...certificatesIn(facts, rules['certificate-ends']),
    ...diskIn(facts, rules['disk-low']),
    ...facts.happened.flatMap((one): Condition[] => {
      if (rules[one.alert] === 'off') return []
      return [{ ...one, severity: one.alert === 'rollout-rolled-back' ? 'warning' : 'critical' }]
    }),
  ]
}

function certificatesIn({ certificates, now }: Facts, rule: AlertRules['certificate-ends']): Condition[] {
  if (rule === 'off') return []
  return certificates.flatMap(({ name, at, lifetime = Number.POSITIVE_INFINITY }): Condition[] => {
    const left = at - now
    // What is good for a week and renews when a third is left is late at a sixth, not from its first day on.
    const [critical, warning] = [Math.min(rule.critical, lifetime / 12), Math.min(rule.warning, lifetime / 6)]
    const severity: Severity | undefined = left <= critical ? 'critical' : left <= warning ? 'warning' : undefined
    if (severity === undefined) return []
    const end = new Date(at).toISOString()
    const summary = left > 0 ? `the certificate ${name} ends at ${end}` : `the certificate ${name} ended at ${end}`
    return [{ alert: 'certificate-ends', severity, subject: { kind: 'certificate', id: name }, summary }]
  })
}

function diskIn({ freeBytes }: Facts, rule: AlertRules['disk-low']): Condition[] {
  if (rule === 'off' || freeBytes === undefined || freeBytes >= rule.bytes) return []
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
  const summary = `less than ${mib(rule.bytes)} are free on the disk of the store`
  return [{ alert: 'disk-low', severity: 'critical', subject: coordinator, summary }]
}
