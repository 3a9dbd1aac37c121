import type { Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'

/** The sum of two values or more. */
export const add: LayerKind<Op & { readonly kind: 'add' }> = {
  build: (_, { inputs, output, outputGradient }, { kernels }) => ({
    forward(rows) {
      const count = rows * output.size
      inputs.forEach(({ address }, i) => {
        if (i === 0) kernels.scaleVector(output.address, address, count, 1)
        else kernels.addVector(output.address, address, count)
      })
    },
    backward(rows, to) {
      for (const address of to) {
        if (address !== 0) kernels.scaleVector(address, outputGradient, rows * output.size, 1)
      }
    },
  }),
}
