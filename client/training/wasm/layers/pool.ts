import type { Op, Window } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'
import type { Layer, LayerKind, Places } from '../layer.ts'
import { WINDOW_VALUES, writeWindow } from './window.ts'

type Kind = 'max' | 'average'

export const pool: LayerKind<Op & { readonly kind: 'pool' }> = {
  kept: () => WINDOW_VALUES,
  build: ({ of, window }, places, arena) => buildPool(of, window, places, arena),
}

/** One window over everything. */
export const globalPool: LayerKind<Op & { readonly kind: 'global-pool' }> = {
  kept: () => WINDOW_VALUES,
  build: ({ of, positions, channels }, places, arena) => {
    const window: Window = {
      input: [positions, 1, channels],
      output: [1, 1, channels],
      size: [positions, 1],
      strides: [1, 1],
      padding: [0, 0],
    }
    return buildPool(of, window, places, arena)
  },
}

function buildPool(of: Kind, window: Window, places: Places, arena: Arena): Layer {
  const { kernels } = arena
  const { output, outputGradient, kept } = places
  const [input = output] = places.inputs
  writeWindow(arena, kept, window)
  return {
    forward(rows) {
      if (of === 'max') kernels.maxPool(kept, input.address, output.address, rows)
      else kernels.averagePool(kept, input.address, output.address, rows)
    },
    backward(rows, [to = 0]) {
      if (to === 0) return
      kernels.clearVector(to, rows * input.size)
      if (of === 'max') kernels.addMaxPoolInputs(kept, input.address, output.address, outputGradient, to, rows)
      else kernels.addAveragePoolInputs(kept, outputGradient, to, rows)
    },
  }
}
