// Original file: proto/parley/v1/session.proto


/**
 * The last frame of a session: a named reason.
 */
export interface Close {
  /**
   * A code of the error catalogue, docs/errors.md.
   */
  'code'?: (string);
  'message'?: (string);
  /**
   * How long to wait before connecting again; 0 where connecting again is of no use.
   */
  'retryAfterMs'?: (number);
}

/**
 * The last frame of a session: a named reason.
 */
export interface Close__Output {
  /**
   * A code of the error catalogue, docs/errors.md.
   */
  'code': (string);
  'message': (string);
  /**
   * How long to wait before connecting again; 0 where connecting again is of no use.
   */
  'retryAfterMs': (number);
}
