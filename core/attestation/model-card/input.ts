import { ParleyError } from '../../errors/index.ts'
import { isBlank, oneLine, type Prose } from './escape.ts'
import type { ErrorBins } from './plot/errors.ts'
import type { IntervalBar } from './plot/interval-bars.ts'
import type { LearningCurve } from './plot/learning-curve.ts'
import type { ScoreBins } from './plot/scores.ts'

/** A figure on one site or subgroup. Sites go by their pseudonyms. */
export type CardResult = IntervalBar & { readonly metric: string }

export type CardGate = {
  readonly gate: string
  readonly metric: string
  readonly verdict: 'pass' | 'fail' | 'not-evaluable' | 'overridden'
  readonly value: number | null
  readonly interval: readonly [number, number] | null
  readonly n: number
  /** What was asked for, in words. */
  readonly condition: string
}

/** A gate that failed and was let pass. */
export type CardDeviation = {
  readonly gate: string
  readonly reason: string
  readonly approvedBy: readonly string[]
}

/** What an author must write: nobody else knows it. Missing parts fail the card. */
export type CardAuthor = {
  readonly summary?: Prose
  readonly intendedUse?: Prose
  readonly notIntended?: Prose
  readonly dataDescription?: Prose
  readonly dataPeriod?: string
  readonly limits?: Prose
  readonly ethics?: Prose
  readonly contact?: Prose
  readonly withdrawal?: Prose
  readonly changes?: Prose
  /** An identifier of Hugging Face's list; `other` needs a name. */
  readonly license?: { readonly id: string; readonly name?: string; readonly link?: string }
  /** ISO 639-1. */
  readonly language?: readonly string[]
  readonly tags?: readonly string[]
  readonly datasets?: readonly string[]
  readonly task?: { readonly type: string; readonly name: string }
}

/** All that a card is made of. Digests are SHA-256 in hex. The root is not among them: a card cannot attest itself. */
export type CardInput = {
  readonly author: CardAuthor
  readonly model: string
  readonly number: number
  readonly weights: string
  readonly evaluation: string
  readonly run: string
  readonly round: number
  readonly baseModel?: string
  /** One command that verifies the version. */
  readonly verifyCommand: string
  readonly participants: { readonly kind: string; readonly pseudonyms: readonly string[] }
  readonly training: {
    readonly plan: string
    readonly rounds: number
    readonly rule: string
    readonly mode: 'sealed' | 'masked'
    readonly accepted: number
    readonly rejected: readonly { readonly code: string; readonly count: number }[]
  }
  /** Null: none for whole clients. Numbers as they stand in the version's record. */
  readonly privacy: {
    readonly epsilon: string
    readonly delta: string
    readonly accountant: string
    readonly unit: string
  } | null
  /** Where clients hid single rows: what that cost them at the client where it is most. Numbers as they stand in the version's record. */
  readonly records?: { readonly epsilon: string; readonly delta: string; readonly clients: number }
  readonly robustness: {
    /** How many of `clients` may send anything and not decide the result; 0: none. */
    readonly tolerated: number
    readonly clients: number
    readonly attacks: readonly { readonly name: string; readonly result: string }[]
  }
  readonly gates: readonly CardGate[]
  readonly sites: readonly CardResult[]
  readonly subgroups: readonly CardResult[]
  readonly deviations: readonly CardDeviation[]
  readonly learningCurve?: LearningCurve
  /** Pooled score bins of a binary task. */
  readonly scores?: ScoreBins
  /** Pooled bins of the errors of a numeric label. */
  readonly errors?: ErrorBins
}

const mandatory: { readonly [Part in keyof CardAuthor]?: string } = {
  summary: 'summary',
  intendedUse: 'intended use',
  notIntended: 'uses that are not intended',
  dataDescription: 'description of the data',
  dataPeriod: 'period of the data',
  limits: 'limits',
  ethics: 'ethics',
  contact: 'contact',
  withdrawal: 'withdrawal notice',
  changes: 'changes since the last version',
}

/** Throws `request.invalid` with all that a complete card still needs. */
export function checkComplete({ author, participants, gates, deviations, verifyCommand }: CardInput): void {
  const missing: string[] = Object.entries(mandatory).flatMap(([part, name]) =>
    isBlank(author[part as 'summary']) ? [name] : [],
  )
  const { license } = author
  if (license === undefined || oneLine(license.id) === '') missing.push('license')
  if (license?.id === 'other' && oneLine(license.name ?? '') === '') missing.push('name of the license')
  if (participants.pseudonyms.length === 0) missing.push('participants')
  if (gates.length === 0) missing.push('results of the gates')
  for (const { gate, verdict } of gates) {
    const explained = deviations.some((one) => one.gate === gate && !isBlank(one.reason) && one.approvedBy.length > 0)
    if (verdict === 'overridden' && !explained) missing.push(`reason to override the gate ${oneLine(gate)}`)
  }
  if (oneLine(verifyCommand) === '') missing.push('command that verifies')
  if (missing.length > 0) throw new ParleyError('request.invalid', `the model card lacks: ${missing.join(', ')}`)
}
