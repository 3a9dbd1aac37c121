// Original file: proto/parley/v1/session.proto


/**
 * Coordinator to client: its own proof, and the question.
 */
export interface Challenge {
  /**
   * The version chosen from the common range.
   */
  'version'?: (number);
  /**
   * Ed25519 public key of the coordinator; the client compares it with the pinned one.
   */
  'publicKey'?: (Buffer | Uint8Array | string);
  /**
   * 32 random bytes.
   */
  'nonce'?: (Buffer | Uint8Array | string);
  /**
   * The capabilities that both ends have.
   */
  'capabilities'?: (string)[];
  /**
   * Ed25519 signature over the handshake transcript, role "coordinator".
   */
  'signature'?: (Buffer | Uint8Array | string);
}

/**
 * Coordinator to client: its own proof, and the question.
 */
export interface Challenge__Output {
  /**
   * The version chosen from the common range.
   */
  'version': (number);
  /**
   * Ed25519 public key of the coordinator; the client compares it with the pinned one.
   */
  'publicKey': (Buffer);
  /**
   * 32 random bytes.
   */
  'nonce': (Buffer);
  /**
   * The capabilities that both ends have.
   */
  'capabilities': (string)[];
  /**
   * Ed25519 signature over the handshake transcript, role "coordinator".
   */
  'signature': (Buffer);
}
