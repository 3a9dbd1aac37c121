// Original file: proto/parley/v1/session.proto

import type { Envelope as _parley_v1_Envelope, Envelope__Output as _parley_v1_Envelope__Output } from '../../parley/v1/Envelope.ts';

/**
 * Client to coordinator: I have an update. The payload is an `UpdateHeader`; it fixes length and digest of what follows.
 */
export interface UploadOpen {
  'header'?: (_parley_v1_Envelope | null);
}

/**
 * Client to coordinator: I have an update. The payload is an `UpdateHeader`; it fixes length and digest of what follows.
 */
export interface UploadOpen__Output {
  'header': (_parley_v1_Envelope__Output | null);
}
