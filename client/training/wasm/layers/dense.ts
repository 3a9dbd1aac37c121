import { MULTIPLY_DEPTH, multiplyMode } from '../../../../kernels/training/exports.ts'
import type { Op } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'
import { activate, multiplyBySlope } from './activations.ts'
import { addSquaredNormsOfProducts } from './squared-norms.ts'

type Dense = Op & { readonly kind: 'dense' }

/** From so many rows on a transposed kernel pays: products with it run at the full rate. */
const TRANSPOSE_FROM = 64
/** From so many rows on a packed kernel pays. */
const PACK_FROM = 64

/** y = activation(x·W + b) on each position. */
export const dense: LayerKind<Dense> = {
  scratch: ({ positions, inputs, units }, rows) =>
    rows * positions * Math.min(Math.max(inputs, units), MULTIPLY_DEPTH) + 2 * (inputs + 8) * (units + 8),
  build: buildDense,
}

function buildDense(op: Dense, places: Places, { kernels }: Arena): Layer {
  const { positions, inputs, units, activation } = op
  const [input] = places.inputs
  const x = input?.address ?? 0
  const { output, outputGradient: d, tensorAt, weights, scratch } = places
  const kernel = tensorAt(op.kernel, weights)
  const bias = op.bias === undefined ? 0 : tensorAt(op.bias, weights)
  const [inputBytes, unitBytes] = [4 * inputs, 4 * units]
  return {
    forward(batch) {
      const rows = batch * positions
      const mode = bias === 0 ? multiplyMode.set : multiplyMode.bias
      const relu = activation === 'relu' ? 1 : 0
      const panels = scratch
      if (rows < PACK_FROM) {
        kernels.multiply(
          x,
          inputBytes,
          kernel,
          unitBytes,
          32,
          output.address,
          rows,
          inputs,
          units,
          mode,
          bias,
          relu,
          panels,
        )
      } else {
        const packed = panels + 4 * rows * Math.min(inputs, MULTIPLY_DEPTH)
        kernels.packColumns(kernel, inputs, units, packed)
        kernels.multiply(
          x,
          inputBytes,
          packed,
          32,
          32 * inputs,
          output.address,
          rows,
          inputs,
          units,
          mode,
          bias,
          relu,
          panels,
        )
      }
      if (relu === 0) activate(kernels, activation, output.address, rows * units)
    },
    backward(batch, [to = 0]) {
      const rows = batch * positions
      multiplyBySlope(kernels, activation, d, output.address, rows * units)
      if (to === 0) return
      if (rows < TRANSPOSE_FROM) {
        kernels.multiplyByTransposed(d, unitBytes, kernel, unitBytes, to, inputBytes, rows, units, inputs, 0)
        return
      }
      const panels = scratch
      const transposed = panels + 4 * rows * Math.min(units, MULTIPLY_DEPTH)
      const packed = transposed + 4 * inputs * units
      kernels.transpose(kernel, inputs, units, transposed)
      kernels.packColumns(transposed, units, inputs, packed)
      kernels.multiply(d, unitBytes, packed, 32, 32 * units, to, rows, units, inputs, multiplyMode.set, 0, 0, panels)
    },
    trained: {
      gradient(batch, { base, add, alpha }) {
        const rows = batch * positions
        const mode = add ? multiplyMode.add : multiplyMode.set
        kernels.multiplyTransposed(
          x,
          inputBytes,
          d,
          unitBytes,
          tensorAt(op.kernel, base),
          rows,
          inputs,
          units,
          mode,
          alpha,
        )
        if (op.bias !== undefined) kernels.columnSums(d, rows, units, tensorAt(op.bias, base), add ? 1 : 0, alpha)
      },
      addSquaredNorms(rows, norms) {
        const hasBias = op.bias !== undefined
        addSquaredNormsOfProducts(kernels, { positions, inputs, units, hasBias, x, d, scratch }, rows, norms)
      },
    },
  }
}
