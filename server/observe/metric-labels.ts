import { catalogue } from '../../core/errors/index.ts'
import { alertNames } from './alerts/alert.ts'

/** The values that a label may have. Everything else is counted as `other`, so that no peer can make up new series. */
const labels = {
  carrier: ['grpc', 'ws', 'memory', 'http'],
  code: Object.keys(catalogue),
  authCode: Object.keys(catalogue).filter((code) => code.startsWith('auth.')),
  direction: ['in', 'out'],
  method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  status: ['2xx', '3xx', '4xx', '5xx'],
  round: ['done', 'failed', 'stopped'],
  run: ['published', 'rejected', 'failed', 'stopped'],
  phase: ['waiting', 'collecting', 'unmasking', 'aggregating', 'evaluating', 'publishing'],
  member: ['invited', 'sharing', 'uploading', 'accepted', 'refused', 'confirming', 'evaluating', 'evaluated'],
  quartile: ['lower', 'median', 'upper'],
  verdict: ['pass', 'fail', 'not-evaluable'],
  mover: ['coordinator', 'rollout', 'person'],
  decision: ['step-up', 'promote', 'rollback'],
  outcome: ['ok', 'failed'],
  certificate: ['server', 'authority'],
  alert: alertNames,
  sink: ['webhook', 'email'],
  notice: ['sent', 'failed', 'dropped'],
  /** Made by the coordinator, and never by a peer: ids of the newest runs that are not over. */
  runId: undefined,
} as const

export type LabelKind = keyof typeof labels

/** Runs that have series of their own. */
export const RUN_SERIES = 50

/** Undefined: ids of runs, which are bounded by their number. */
export function allowedValues(kind: LabelKind): readonly string[] | undefined {
  return labels[kind]
}
