// Original file: proto/parley/v1/session.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Client to coordinator: send me the bytes of this digest from this offset on.
 */
export interface BlobRequest {
  /**
   * SHA-256, 32 bytes.
   */
  'digest'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

/**
 * Client to coordinator: send me the bytes of this digest from this offset on.
 */
export interface BlobRequest__Output {
  /**
   * SHA-256, 32 bytes.
   */
  'digest': (Buffer);
  'offset': (number);
}
