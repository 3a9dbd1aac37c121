// Original file: proto/parley/v1/session.proto


/**
 * Client to coordinator: the answer.
 */
export interface Authenticate {
  /**
   * Ed25519 signature over the handshake transcript, role "client".
   */
  'signature'?: (Buffer | Uint8Array | string);
}

/**
 * Client to coordinator: the answer.
 */
export interface Authenticate__Output {
  /**
   * Ed25519 signature over the handshake transcript, role "client".
   */
  'signature': (Buffer);
}
