// Original file: proto/parley/v1/session.proto

import type { AuditState as _parley_v1_AuditState, AuditState__Output as _parley_v1_AuditState__Output } from '../../parley/v1/AuditState.ts';

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
  /**
   * What the coordinator says of its audit log; absent where it has none.
   */
  'audit'?: (_parley_v1_AuditState | null);
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
  /**
   * What the coordinator says of its audit log; absent where it has none.
   */
  'audit': (_parley_v1_AuditState__Output | null);
}
