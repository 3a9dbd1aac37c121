// Original file: proto/parley/v1/session.proto


/**
 * Signed words on an audit log: DSSE envelopes of checkpoints, as docs/audit.md has them.
 */
export interface AuditState {
  /**
   * Ed25519 key that signs checkpoints, 32 bytes.
   */
  'publicKey'?: (Buffer | Uint8Array | string);
  /**
   * The newest checkpoint.
   */
  'newest'?: (Buffer | Uint8Array | string);
  /**
   * A checkpoint of as many records as the client named, without `previous`; empty where there is none of so many.
   */
  'held'?: (Buffer | Uint8Array | string);
}

/**
 * Signed words on an audit log: DSSE envelopes of checkpoints, as docs/audit.md has them.
 */
export interface AuditState__Output {
  /**
   * Ed25519 key that signs checkpoints, 32 bytes.
   */
  'publicKey': (Buffer);
  /**
   * The newest checkpoint.
   */
  'newest': (Buffer);
  /**
   * A checkpoint of as many records as the client named, without `previous`; empty where there is none of so many.
   */
  'held': (Buffer);
}
