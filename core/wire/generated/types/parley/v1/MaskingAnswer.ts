// Original file: proto/parley/v1/session.proto

import type { Envelope as _parley_v1_Envelope, Envelope__Output as _parley_v1_Envelope__Output } from '../../parley/v1/Envelope.ts';

/**
 * Client to coordinator: the client's part of the step, signed by its identity.
 */
export interface MaskingAnswer {
  'run'?: (string);
  'round'?: (number);
  'message'?: (_parley_v1_Envelope | null);
}

/**
 * Client to coordinator: the client's part of the step, signed by its identity.
 */
export interface MaskingAnswer__Output {
  'run': (string);
  'round': (number);
  'message': (_parley_v1_Envelope__Output | null);
}
