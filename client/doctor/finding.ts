import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'

/** What `parley client doctor` looks at, in this order. */
export const checkNames = [
  'name',
  'port',
  'proxy',
  'tls',
  'carrier',
  'identity',
  'clock',
  'certificate',
  'policy',
  'ledger',
  'disk',
  'memory',
  'data',
  'engine',
  'dry-run',
] as const
export type CheckName = (typeof checkNames)[number]

/**
 * What one check found. `skipped`: it could not run, and `value` says why. Nothing in it is a value of the data, a secret, or a text
 * of unbounded length from outside.
 */
export type Finding = {
  readonly outcome: 'ok' | 'warn' | 'fail' | 'skipped'
  /** What was measured, for people. */
  readonly value: string
  /** The same for programs. */
  readonly measured?: Readonly<Record<string, string | number | boolean>>
  /** What to do. */
  readonly advice?: string
  readonly code?: ErrorCode
}
export type Reported = Finding & { readonly check: CheckName }

export const ok = (value: string, measured?: Finding['measured']): Finding => ({
  outcome: 'ok',
  value,
  ...(measured === undefined ? {} : { measured }),
})

export const warn = (value: string, advice: string, measured?: Finding['measured']): Finding => ({
  outcome: 'warn',
  value,
  advice,
  ...(measured === undefined ? {} : { measured }),
})

export const skipped = (value: string): Finding => ({ outcome: 'skipped', value })

/** A failure by its code, with what the catalogue has to say of it. */
export function failed(failure: unknown, advice?: string): Finding {
  const { code, message, entry } = ParleyError.from(failure)
  return { outcome: 'fail', value: `${code}: ${message}`, advice: advice ?? entry.hint, code }
}

/** What was found at one of several addresses. */
export type Part = { readonly at: string; readonly finding: Finding }

/** One finding of several addresses: the client needs one that works, and is told where another does not. */
export function anyOf(parts: readonly Part[]): Finding {
  const value = parts.map(({ at, finding }) => `${at}: ${finding.value}`).join('; ')
  const works = parts.some(({ finding }) => finding.outcome === 'ok' || finding.outcome === 'warn')
  const worst =
    parts.find(({ finding }) => finding.outcome === 'fail') ?? parts.find(({ finding }) => finding.outcome === 'warn')
  const measured = Object.assign({}, ...parts.map(({ finding }) => finding.measured ?? {})) as Finding['measured']
  return {
    outcome: worst === undefined ? 'ok' : works ? 'warn' : 'fail',
    value,
    ...(measured === undefined || Object.keys(measured).length === 0 ? {} : { measured }),
    ...(worst?.finding.advice === undefined ? {} : { advice: worst.finding.advice }),
    ...(worst?.finding.code === undefined ? {} : { code: worst.finding.code }),
  }
}
