// Original file: proto/parley/v1/session.proto


/**
 * Client to coordinator: the task will not be done.
 */
export interface Decline {
  'run'?: (string);
  'round'?: (number);
  /**
   * "train" or "evaluate".
   */
  'kind'?: (string);
  'code'?: (string);
  'message'?: (string);
}

/**
 * Client to coordinator: the task will not be done.
 */
export interface Decline__Output {
  'run': (string);
  'round': (number);
  /**
   * "train" or "evaluate".
   */
  'kind': (string);
  'code': (string);
  'message': (string);
}
