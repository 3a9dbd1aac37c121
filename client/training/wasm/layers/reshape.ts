import type { Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'

/** The same values: its output lies where its input does, and as a rule so do their gradients. */
export const reshape: LayerKind<Op & { readonly kind: 'reshape' }> = {
  build: (_, { output, outputGradient }, { kernels }) => ({
    forward() {},
    backward(rows, [to = 0]) {
      if (to !== 0 && to !== outputGradient) kernels.scaleVector(to, outputGradient, rows * output.size, 1)
    },
  }),
}
