// Original file: proto/parley/v1/session.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Coordinator to client: go on at this offset.
 */
export interface UploadReady {
  /**
   * SHA-256 of the sealed update, 32 bytes.
   */
  'digest'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

/**
 * Coordinator to client: go on at this offset.
 */
export interface UploadReady__Output {
  /**
   * SHA-256 of the sealed update, 32 bytes.
   */
  'digest': (Buffer);
  'offset': (number);
}
