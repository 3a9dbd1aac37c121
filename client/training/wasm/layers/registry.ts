import type { Graph, Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'
import { add } from './add.ts'
import { dense } from './dense.ts'
import { dropout } from './dropout.ts'
import { reshape } from './reshape.ts'

type Kinds = { readonly [K in Op['kind']]: LayerKind<Op & { readonly kind: K }> }

/** Every kind of layer that the engine computes. */
const kinds: Partial<Kinds> = { add, dense, dropout, reshape }

export function layerKind<O extends Op>(op: O): LayerKind<O> {
  return kinds[op.kind] as unknown as LayerKind<O>
}

/** A kind of layer in the graph that the engine does not compute. */
export function unreached({ nodes }: Graph): Op['kind'] | undefined {
  return nodes.map(({ op }) => op.kind).find((kind) => kinds[kind] === undefined)
}
