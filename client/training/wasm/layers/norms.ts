import type { Op } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'

/** What is brought to mean 0 and variance 1 together: `groups` × `width` channels, each group over all positions. */
type Groups = {
  /** Examples of the kernels in one row of the batch. */
  readonly examples: number
  readonly positions: number
  readonly groups: number
  readonly width: number
  readonly epsilon: number
  readonly gamma: string | undefined
  readonly beta: string | undefined
}

type LayerNorm = Op & { readonly kind: 'layer-norm' }
type GroupNorm = Op & { readonly kind: 'group-norm' }

export const layerNorm: LayerKind<LayerNorm> = kindOf(({ positions, units, epsilon, gamma, beta }) => {
  return { examples: positions, positions: 1, groups: 1, width: units, epsilon, gamma, beta }
})

export const groupNorm: LayerKind<GroupNorm> = kindOf(({ positions, channels, groups, epsilon, gamma, beta }) => {
  return { examples: 1, positions, groups, width: channels / groups, epsilon, gamma, beta }
})

function kindOf<O extends LayerNorm | GroupNorm>(groupsOf: (op: O) => Groups): LayerKind<O> {
  return {
    scratch: (op) => 2 * channelsOf(groupsOf(op)),
    kept: (op, rows) => {
      const { examples, groups } = groupsOf(op)
      return 2 * rows * examples * groups
    },
    build: (op, places, arena) => buildNorm(groupsOf(op), places, arena),
  }
}

function channelsOf({ groups, width }: Groups): number {
  return groups * width
}

function buildNorm(norm: Groups, places: Places, { kernels }: Arena): Layer {
  const { examples, positions, groups, width, epsilon } = norm
  const { output, outputGradient: d, tensorAt, weights, kept: statistics, scratch } = places
  const [input = output] = places.inputs
  const x = input.address
  const gamma = norm.gamma === undefined ? 0 : tensorAt(norm.gamma, weights)
  const beta = norm.beta === undefined ? 0 : tensorAt(norm.beta, weights)
  const channels = channelsOf(norm)

  const scaleGradient = (row: number, rows: number, target: number, add: number, alpha: number): void => {
    const offset = 4 * row * output.size
    const own = statistics + 8 * row * examples * groups
    const count = rows * examples
    kernels.normalizeScaleGradient(x + offset, d + offset, count, positions, groups, width, own, target, add, alpha)
  }
  const shiftGradient = (row: number, rows: number, target: number, add: number, alpha: number): void => {
    const count = rows * examples * positions
    kernels.columnSums(d + 4 * row * output.size, count, channels, target, add, alpha)
  }

  return {
    forward(rows) {
      const count = rows * examples
      kernels.normalize(x, output.address, count, positions, groups, width, epsilon, gamma, beta, statistics)
    },
    backward(rows, [to = 0]) {
      if (to !== 0) kernels.normalizeInputs(x, d, to, rows * examples, positions, groups, width, gamma, statistics)
    },
    trained: {
      gradient(rows, { base, add, alpha }) {
        const adds = add ? 1 : 0
        if (norm.gamma !== undefined) scaleGradient(0, rows, tensorAt(norm.gamma, base), adds, alpha)
        if (norm.beta !== undefined) shiftGradient(0, rows, tensorAt(norm.beta, base), adds, alpha)
      },
      addSquaredNorms(rows, norms) {
        for (let row = 0; row < rows; row++) {
          let count = 0
          if (norm.gamma !== undefined) {
            scaleGradient(row, 1, scratch, 0, 1)
            count += channels
          }
          if (norm.beta !== undefined) {
            shiftGradient(row, 1, scratch + 4 * count, 0, 1)
            count += channels
          }
          norms[row] = (norms[row] as number) + kernels.squaredNorm(scratch, count)
        }
      },
    },
  }
}
