import type { Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'
import { activation } from './activations.ts'
import { add } from './add.ts'
import { conv2d } from './conv2d.ts'
import { dense } from './dense.ts'
import { depthwiseConv2d } from './depthwise-conv2d.ts'
import { dropout } from './dropout.ts'
import { embedding } from './embedding.ts'
import { groupNorm, layerNorm } from './norms.ts'
import { globalPool, pool } from './pool.ts'
import { reshape } from './reshape.ts'

type Kinds = { readonly [K in Op['kind']]: LayerKind<Op & { readonly kind: K }> }

/** Every kind of layer that the engine computes. */
const kinds: Kinds = {
  activation,
  add,
  conv2d,
  dense,
  'depthwise-conv2d': depthwiseConv2d,
  dropout,
  embedding,
  'global-pool': globalPool,
  'group-norm': groupNorm,
  'layer-norm': layerNorm,
  pool,
  reshape,
}

export function layerKind<O extends Op>(op: O): LayerKind<O> {
  return kinds[op.kind] as unknown as LayerKind<O>
}
