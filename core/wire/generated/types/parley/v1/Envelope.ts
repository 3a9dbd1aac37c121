// Original file: proto/parley/v1/session.proto


/**
 * A DSSE envelope (https://github.com/secure-systems-lab/dsse, protocol 1.0.2) with exactly one signature.
 */
export interface Envelope {
  'payloadType'?: (string);
  /**
   * Canonical JSON. Verified before it is parsed.
   */
  'payload'?: (Buffer | Uint8Array | string);
  /**
   * Ed25519 over the pre-authentication encoding of type and payload.
   */
  'signature'?: (Buffer | Uint8Array | string);
}

/**
 * A DSSE envelope (https://github.com/secure-systems-lab/dsse, protocol 1.0.2) with exactly one signature.
 */
export interface Envelope__Output {
  'payloadType': (string);
  /**
   * Canonical JSON. Verified before it is parsed.
   */
  'payload': (Buffer);
  /**
   * Ed25519 over the pre-authentication encoding of type and payload.
   */
  'signature': (Buffer);
}
