import { payloadTypes, signJson } from '../../../core/crypto/envelope.ts'
import type { Crypto, SigningKey } from '../../../core/crypto/primitives.ts'
import { toBase64 } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import type { GroupedCounts } from '../../../core/metrics/groups.ts'
import { isCountedMasked } from '../../../core/plan/check-evaluation.ts'
import type { Plan } from '../../../core/plan/plan.ts'
import { evaluationLanes, evaluationToLanes, type MaskedEvaluation } from '../../../core/run/masked-evaluation.ts'
import type { EvaluateConfiguration } from '../../../core/run/round-configuration.ts'
import { checksumKey, configHashOf, encodeInput } from '../../../core/secagg/index.ts'
import type { Outgoing } from '../outbox.ts'
import type { MaskedRound } from './round.ts'

/** Throws `node.plan-refused` where a task asks for counts in another way than the plan that the coordinator signed. */
export function checkCountsTask(plan: Plan, { lanes, models }: EvaluateConfiguration): void {
  const due = isCountedMasked(plan) ? evaluationLanes(plan, models.length) : undefined
  if (lanes !== due) throw new ParleyError('node.plan-refused', 'the task has other counts than its plan')
}

/** What a client counted, as lanes under its masks. Resolves once it is known with whom it is summed. */
export async function maskCounts(
  { crypto, identity }: { readonly crypto: Crypto; readonly identity: SigningKey },
  plan: Plan,
  head: Pick<MaskedEvaluation, 'run' | 'round' | 'client' | 'models'>,
  masked: MaskedRound,
  counted: readonly GroupedCounts[],
): Promise<Outgoing> {
  const configuration = await masked.configuration
  const key = checksumKey(crypto, configHashOf(crypto, configuration))
  const counts = countsWithin(plan, counted, configuration.counts?.max ?? 0)
  const input = { values: new Float32Array(0), weight: 1, counts }
  const lanes = encodeInput(crypto, configuration, key, input, (length) => crypto.randomBytes(length))
  const message = await masked.mask(lanes)
  const { run, round } = head
  const vector = toBase64(new Uint8Array(lanes.buffer, lanes.byteOffset, lanes.byteLength))
  const report: MaskedEvaluation = { v: 1, ...head, vector }
  const envelope = signJson(identity, payloadTypes.maskedEvaluation, report)
  const announcement = { type: 'maskingAnswer', run, round, message } as const
  return { kind: 'evaluate', envelope, digest: crypto.sha256(envelope.payload), announcement }
}

function countsWithin(plan: Plan, counted: readonly GroupedCounts[], max: number): Uint32Array {
  try {
    return evaluationToLanes(plan, counted, max)
  } catch (cause) {
    throw new ParleyError('masking.refused', `the counts do not fit into a masked sum: ${messageOf(cause)}`, { cause })
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
