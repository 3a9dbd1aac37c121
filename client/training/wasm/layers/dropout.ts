import type { Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'

/** Inverted dropout (Srivastava et al., JMLR 15, 2014) with masks of our own generator, so that all engines agree on them. */
export const dropout: LayerKind<Op & { readonly kind: 'dropout' }> = {
  kept: (_, rows, size) => rows * size,
  build: ({ rate }, { inputs, output, outputGradient, kept, rows: most }, { kernels, float32 }) => {
    const [input = output] = inputs
    const mask = float32(kept, most * output.size)
    const limit = rate * 2 ** 32
    let isDropping = false
    return {
      forward(rows, random) {
        const count = rows * output.size
        isDropping = random !== undefined && rate > 0
        if (random === undefined || rate === 0) {
          kernels.scaleVector(output.address, input.address, count, 1)
          return
        }
        for (let i = 0; i < count; i++) mask[i] = random.uint32() < limit ? 0 : 1 / (1 - rate)
        kernels.multiplyVectors(output.address, input.address, kept, count)
      },
      backward(rows, [to = 0]) {
        if (to === 0) return
        if (isDropping) kernels.multiplyVectors(to, outputGradient, kept, rows * output.size)
        else kernels.scaleVector(to, outputGradient, rows * output.size, 1)
      },
    }
  },
}
