// Original file: proto/parley/v1/session.proto

import type { MethodDefinition } from '@grpc/proto-loader'
import type { Frame as _parley_v1_Frame, Frame__Output as _parley_v1_Frame__Output } from '../../parley/v1/Frame.ts';

export interface CoordinatorDefinition {
  Session: MethodDefinition<_parley_v1_Frame, _parley_v1_Frame, _parley_v1_Frame__Output, _parley_v1_Frame__Output>
}
