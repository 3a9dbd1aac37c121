// Original file: proto/parley/v1/session.proto


/**
 * Coordinator to client: what became of an update or an evaluation. An accepted update is on disk and in the journal.
 */
export interface Receipt {
  'run'?: (string);
  'round'?: (number);
  /**
   * "train" or "evaluate".
   */
  'kind'?: (string);
  /**
   * SHA-256 of the sealed update, or of the evaluation's payload.
   */
  'digest'?: (Buffer | Uint8Array | string);
  'accepted'?: (boolean);
  /**
   * Set when not accepted: a code of the error catalogue, docs/errors.md.
   */
  'code'?: (string);
  'message'?: (string);
}

/**
 * Coordinator to client: what became of an update or an evaluation. An accepted update is on disk and in the journal.
 */
export interface Receipt__Output {
  'run': (string);
  'round': (number);
  /**
   * "train" or "evaluate".
   */
  'kind': (string);
  /**
   * SHA-256 of the sealed update, or of the evaluation's payload.
   */
  'digest': (Buffer);
  'accepted': (boolean);
  /**
   * Set when not accepted: a code of the error catalogue, docs/errors.md.
   */
  'code': (string);
  'message': (string);
}
