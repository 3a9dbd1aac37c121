// Original file: proto/parley/v1/session.proto

import type { Long } from '@grpc/proto-loader';

/**
 * One sealed segment. Offsets are multiples of the sealed segment length.
 */
export interface UploadChunk {
  'digest'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

/**
 * One sealed segment. Offsets are multiples of the sealed segment length.
 */
export interface UploadChunk__Output {
  'digest': (Buffer);
  'offset': (number);
  'data': (Buffer);
}
