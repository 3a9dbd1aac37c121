// Original file: proto/parley/v1/session.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Client to coordinator: the answer.
 */
export interface Authenticate {
  /**
   * Ed25519 signature over the handshake transcript, role "client".
   */
  'signature'?: (Buffer | Uint8Array | string);
  /**
   * How many records of the coordinator's audit log the newest checkpoint covers that the client has kept; 0: it has none.
   */
  'auditRecords'?: (number | string | Long);
}

/**
 * Client to coordinator: the answer.
 */
export interface Authenticate__Output {
  /**
   * Ed25519 signature over the handshake transcript, role "client".
   */
  'signature': (Buffer);
  /**
   * How many records of the coordinator's audit log the newest checkpoint covers that the client has kept; 0: it has none.
   */
  'auditRecords': (number);
}
