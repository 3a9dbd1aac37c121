import { type Envelope, payloadTypes, verifyEnvelope } from '../../core/crypto/envelope.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { type CountLimits, invalidCounts } from '../../core/metrics/check.ts'
import { isCountedMasked } from '../../core/plan/check-evaluation.ts'
import { invalidGroups } from '../../core/plan/check-groups.ts'
import { modelEnds } from '../../core/plan/data.ts'
import { type EvaluationReport, evaluationReportSchema } from '../../core/run/evaluation-report.ts'
import { parsePayload } from '../../core/run/payload.ts'
import type { FindRun } from './active-run.ts'
import type { Answer } from './desk.ts'
import { mayEvaluate } from './evaluating.ts'
import { takeMaskedEvaluation } from './masked/evaluations.ts'
import type { Run } from './run.ts'
import type { ClientResult, Evaluating } from './state.ts'

export type EvaluationDeps = {
  readonly crypto: Crypto
  readonly now: () => number
  readonly maxPayloadBytes: number
  readonly maxRows: number
  readonly find: FindRun
}

/** Takes a client's evaluation in: verified, checked, and in the journal before the answer. */
export async function takeEvaluation(
  deps: EvaluationDeps,
  client: { readonly id: string; readonly publicKey: Uint8Array },
  envelope: Envelope,
): Promise<Answer> {
  if (envelope.payloadType === payloadTypes.maskedEvaluation) return takeMaskedEvaluation(deps, client, envelope)
  verifyEnvelope(deps.crypto, client.publicKey, payloadTypes.evaluation, envelope)
  const report = parsePayload(evaluationReportSchema, envelope, deps.maxPayloadBytes)
  const digest = deps.crypto.sha256(envelope.payload)
  const head = { run: report.run, round: report.round, kind: 'evaluate', digest } as const
  try {
    if (report.client !== client.id) throw new ParleyError('auth.identity-mismatch')
    const found = deps.find(report.run)
    if (found === undefined) throw new ParleyError('update.stale', 'there is no such run')
    const { run, plan } = found
    if (evaluatedBefore(run, report)) return { ...head, accepted: true }
    // What was asked for masked is not taken, nor journalled, in the clear.
    if (isCountedMasked(plan)) throw new ParleyError('evaluation.invalid', 'counts of this plan are masked')
    const { units, numeric } = modelEnds(plan.model, plan.data)
    const limits = { rows: deps.maxRows, units, numeric }
    checkResults(openEvaluation(run, report), report, limits)
    const reason = invalidGroups(report, plan.evaluation, limits)
    if (reason !== undefined) throw new ParleyError('evaluation.invalid', reason)
    const result = resultOf(report)
    const taken = await run.tell({ type: 'evaluated', at: deps.now(), round: report.round, result })
    if (!taken) throw new ParleyError('update.late')
    return { ...head, accepted: true }
  } catch (failure) {
    const { code, message } = ParleyError.from(failure)
    return { ...head, accepted: false, code, message }
  }
}

export function openEvaluation(run: Run, report: Pick<EvaluationReport, 'round' | 'client'>): Evaluating {
  const { state } = run
  if (report.round > state.round) throw new ParleyError('update.stale')
  if (state.phase !== 'evaluating' || state.round !== report.round) throw new ParleyError('update.late')
  if (!state.cohort.includes(report.client)) throw new ParleyError('update.not-selected')
  if (!mayEvaluate(state, report.client)) throw new ParleyError('update.duplicate')
  return state
}

function evaluatedBefore({ state }: Run, report: EvaluationReport): boolean {
  const record = state.phase === 'evaluating' && state.round === report.round ? state : undefined
  const results = (record ?? state.history.find(({ round }) => round === report.round))?.results ?? []
  return results.some(
    (result) => result.client === report.client && JSON.stringify(result) === JSON.stringify(resultOf(report)),
  )
}

/** What the journal keeps of a report; of a plan without groups nothing is said of them. */
function resultOf({ client, results, withheld, lacking }: EvaluationReport): ClientResult {
  const counts = results.map((one) => one.counts)
  const groups = results.flatMap((one) => (one.groups === undefined ? [] : [one.groups]))
  return {
    client,
    counts,
    ...(groups.length === 0 ? {} : { groups }),
    ...(withheld === undefined ? {} : { withheld }),
    ...(lacking === undefined ? {} : { lacking }),
  }
}

function checkResults(state: Evaluating, report: EvaluationReport, limits: CountLimits): void {
  const models = [state.made.model, ...(state.champion === undefined ? [] : [state.champion.model])]
  if (report.results.length !== models.length) {
    throw new ParleyError(
      'evaluation.invalid',
      `${models.length} models were to be evaluated, not ${report.results.length}`,
    )
  }
  report.results.forEach(({ model, counts }, index) => {
    if (model !== models[index]?.digest) throw new ParleyError('update.stale', 'another model was evaluated')
    const reason = invalidCounts(counts, limits)
    if (reason !== undefined) throw new ParleyError('evaluation.invalid', reason)
  })
  const rows = new Set(report.results.map(({ counts }) => counts.rows))
  if (rows.size > 1) throw new ParleyError('evaluation.invalid', 'the models were evaluated on different rows')
}
