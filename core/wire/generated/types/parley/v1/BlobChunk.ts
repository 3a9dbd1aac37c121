// Original file: proto/parley/v1/session.proto

import type { Long } from '@grpc/proto-loader';

export interface BlobChunk {
  'digest'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

export interface BlobChunk__Output {
  'digest': (Buffer);
  'offset': (number);
  'data': (Buffer);
}
