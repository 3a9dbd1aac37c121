// Original file: proto/parley/v1/session.proto

import type { Envelope as _parley_v1_Envelope, Envelope__Output as _parley_v1_Envelope__Output } from '../../parley/v1/Envelope.ts';

/**
 * Client to coordinator: counts over the held-out rows. The payload is an `EvaluationReport`.
 */
export interface Evaluation {
  'report'?: (_parley_v1_Envelope | null);
}

/**
 * Client to coordinator: counts over the held-out rows. The payload is an `EvaluationReport`.
 */
export interface Evaluation__Output {
  'report': (_parley_v1_Envelope__Output | null);
}
