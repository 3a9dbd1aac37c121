// Original file: proto/parley/v1/session.proto


/**
 * Coordinator to client: what the next step of a masked round needs. Of the coordinator nothing in it is signed: it holds
 * what other clients signed, and the client checks that.
 */
export interface MaskingStep {
  'run'?: (string);
  'round'?: (number);
  /**
   * Canonical JSON: a roster, the members, the survivors or their confirmations.
   */
  'payload'?: (Buffer | Uint8Array | string);
}

/**
 * Coordinator to client: what the next step of a masked round needs. Of the coordinator nothing in it is signed: it holds
 * what other clients signed, and the client checks that.
 */
export interface MaskingStep__Output {
  'run': (string);
  'round': (number);
  /**
   * Canonical JSON: a roster, the members, the survivors or their confirmations.
   */
  'payload': (Buffer);
}
