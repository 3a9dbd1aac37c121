import { ParleyError } from '../../../../core/errors/index.ts'
import type { Op } from '../../graph/graph.ts'
import type { LayerKind } from '../layer.ts'

/** Fails with `data.schema` for a number of the data that no row of the table has; nothing outside of the table is ever read. */
export const embedding: LayerKind<Op & { readonly kind: 'embedding' }> = {
  scratch: ({ positions, units }) => positions * units,
  build: (
    { positions, vocabulary, units, table },
    { inputs, output, outputGradient, tensorAt, weights, scratch },
    { kernels },
  ) => {
    const [input = output] = inputs
    const rowsOfTable = tensorAt(table, weights)
    return {
      forward(rows) {
        const count = rows * positions
        const done = kernels.gatherRows(input.address, count, rowsOfTable, vocabulary, units, output.address)
        if (done === count) return
        // Not which: the coordinator is told of it.
        throw new ParleyError(
          'data.schema',
          `the model takes whole numbers from 0 to ${vocabulary - 1}; the data has another`,
        )
      },
      backward() {},
      trained: {
        gradient(rows, { base, add, alpha }) {
          const target = tensorAt(table, base)
          if (!add) kernels.clearVector(target, vocabulary * units)
          kernels.scatterRows(input.address, outputGradient, rows * positions, units, target, alpha)
        },
        addSquaredNorms(rows, norms) {
          for (let row = 0; row < rows; row++) {
            const own = outputGradient + 4 * row * output.size
            kernels.sumEqualRows(input.address + 4 * row * positions, own, positions, units, scratch)
            norms[row] = (norms[row] as number) + kernels.squaredNorm(scratch, positions * units)
          }
        },
      },
    }
  },
}
