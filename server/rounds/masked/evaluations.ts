import { type Envelope, payloadTypes, verifyEnvelope } from '../../../core/crypto/envelope.ts'
import { fromBase64, toHex } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { type MaskedEvaluation, maskedEvaluationSchema } from '../../../core/run/masked-evaluation.ts'
import { parsePayload } from '../../../core/run/payload.ts'
import { vectorBytes, vectorDigest } from '../../../core/secagg/index.ts'
import type { Answer } from '../desk.ts'
import { type EvaluationDeps, openEvaluation } from '../evaluations.ts'
import type { Run } from '../run.ts'
import type { Evaluating } from '../state.ts'

/** Takes a client's masked counts in: verified, of the right models and length, announced, and in the journal before the answer. */
export async function takeMaskedEvaluation(
  deps: EvaluationDeps,
  client: { readonly id: string; readonly publicKey: Uint8Array },
  envelope: Envelope,
): Promise<Answer> {
  verifyEnvelope(deps.crypto, client.publicKey, payloadTypes.maskedEvaluation, envelope)
  const report = parsePayload(maskedEvaluationSchema, envelope, deps.maxPayloadBytes)
  const digest = deps.crypto.sha256(envelope.payload)
  const head = { run: report.run, round: report.round, kind: 'evaluate', digest } as const
  try {
    if (report.client !== client.id) throw new ParleyError('auth.identity-mismatch')
    const found = deps.find(report.run)
    if (found === undefined) throw new ParleyError('update.stale', 'there is no such run')
    const { run } = found
    if (takenBefore(run, report)) return { ...head, accepted: true }
    const state = openEvaluation(run, report)
    const lanes = checkedLanes(state, report)
    const taken = await run.tell({
      type: 'counts-masked',
      at: deps.now(),
      round: report.round,
      client: client.id,
      vector: report.vector,
      digest: toHex(vectorDigest(deps.crypto, lanes)),
    })
    if (!taken) throw new ParleyError('update.late', 'these counts were not announced, or others were')
    return { ...head, accepted: true }
  } catch (failure) {
    const { code, message } = ParleyError.from(failure)
    return { ...head, accepted: false, code, message }
  }
}

function takenBefore({ state }: Run, report: MaskedEvaluation): boolean {
  if (state.phase !== 'evaluating' || state.round !== report.round) return false
  return state.masked?.vectors.some((one) => one.client === report.client && one.vector === report.vector) ?? false
}

/** The lanes. Throws where there are others than the session's configuration says. */
function checkedLanes(state: Evaluating, { models, vector }: MaskedEvaluation): Uint32Array {
  const { masked, made, champion } = state
  if (masked === undefined) throw new ParleyError('evaluation.invalid', 'counts of this plan are not masked')
  const due = [made.model, ...(champion === undefined ? [] : [champion.model])].map(({ digest }) => digest)
  if (due.join() !== models.join()) throw new ParleyError('update.stale', 'other models were evaluated')
  const length = vectorBytes(masked.masking.session.configuration)
  const bytes = vector.length > Math.ceil(length / 3) * 4 ? undefined : fromBase64(vector)
  if (bytes?.length !== length) throw new ParleyError('evaluation.invalid', `masked counts have ${length} bytes`)
  return new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4)
}
