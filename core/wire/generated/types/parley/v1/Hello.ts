// Original file: proto/parley/v1/session.proto


/**
 * Client to coordinator, first frame.
 */
export interface Hello {
  /**
   * Range of protocol versions that the client speaks, both ends included.
   */
  'minVersion'?: (number);
  'maxVersion'?: (number);
  /**
   * Ed25519 public key, 32 bytes: who the client says it is.
   */
  'publicKey'?: (Buffer | Uint8Array | string);
  /**
   * 32 random bytes.
   */
  'nonce'?: (Buffer | Uint8Array | string);
  /**
   * What the client can do beyond the base protocol, for instance "mode:sealed". At most 32, each at most 64 characters.
   */
  'capabilities'?: (string)[];
  /**
   * Program and version, for people. At most 100 characters.
   */
  'agent'?: (string);
}

/**
 * Client to coordinator, first frame.
 */
export interface Hello__Output {
  /**
   * Range of protocol versions that the client speaks, both ends included.
   */
  'minVersion': (number);
  'maxVersion': (number);
  /**
   * Ed25519 public key, 32 bytes: who the client says it is.
   */
  'publicKey': (Buffer);
  /**
   * 32 random bytes.
   */
  'nonce': (Buffer);
  /**
   * What the client can do beyond the base protocol, for instance "mode:sealed". At most 32, each at most 64 characters.
   */
  'capabilities': (string)[];
  /**
   * Program and version, for people. At most 100 characters.
   */
  'agent': (string);
}
