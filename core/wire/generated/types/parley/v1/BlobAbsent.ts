// Original file: proto/parley/v1/session.proto


/**
 * There is no such blob, or this client may not have it.
 */
export interface BlobAbsent {
  'digest'?: (Buffer | Uint8Array | string);
}

/**
 * There is no such blob, or this client may not have it.
 */
export interface BlobAbsent__Output {
  'digest': (Buffer);
}
