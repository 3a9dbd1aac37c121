// Original file: proto/parley/v1/session.proto


/**
 * Coordinator to client: the session is open.
 */
export interface Welcome {
  /**
   * The client's id in this federation.
   */
  'client'?: (string);
  /**
   * Silence after which either side drops the session, in milliseconds. Heartbeats are sent at a third of it.
   */
  'idleMs'?: (number);
  /**
   * Largest encoded frame that the coordinator takes, in bytes.
   */
  'maxFrameBytes'?: (number);
}

/**
 * Coordinator to client: the session is open.
 */
export interface Welcome__Output {
  /**
   * The client's id in this federation.
   */
  'client': (string);
  /**
   * Silence after which either side drops the session, in milliseconds. Heartbeats are sent at a third of it.
   */
  'idleMs': (number);
  /**
   * Largest encoded frame that the coordinator takes, in bytes.
   */
  'maxFrameBytes': (number);
}
