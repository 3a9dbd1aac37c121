// Original file: proto/parley/v1/session.proto

import type { Envelope as _parley_v1_Envelope, Envelope__Output as _parley_v1_Envelope__Output } from '../../parley/v1/Envelope.ts';

/**
 * Coordinator to client: train or evaluate. The payload is a `RoundConfiguration`.
 */
export interface Task {
  'configuration'?: (_parley_v1_Envelope | null);
}

/**
 * Coordinator to client: train or evaluate. The payload is a `RoundConfiguration`.
 */
export interface Task__Output {
  'configuration': (_parley_v1_Envelope__Output | null);
}
