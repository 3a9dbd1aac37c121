import type { Op, Window } from '../../../client/training/graph/graph.ts'
import type { Tape, Term } from './tape.ts'

type Values = readonly Term[]
type Weights = (name: string) => Values

/** What of an image a window sees at one place: for each of its cells, in order, where in the image it lies. */
type Cell = { readonly row: number; readonly column: number; readonly inImage: number }

/** Calls `at` for each place of the output, in order. */
function over({ input, output, size, strides, padding }: Window, at: (cells: readonly Cell[]) => void): void {
  for (let i = 0; i < output[0]; i++) {
    for (let j = 0; j < output[1]; j++) {
      const cells: Cell[] = []
      for (let row = 0; row < size[0]; row++) {
        for (let column = 0; column < size[1]; column++) {
          const [y, x] = [i * strides[0] - padding[0] + row, j * strides[1] - padding[1] + column]
          if (y >= 0 && y < input[0] && x >= 0 && x < input[1]) cells.push({ row, column, inImage: y * input[1] + x })
        }
      }
      at(cells)
    }
  }
}

/** Before its activation. */
export function convolved(tape: Tape, op: Op & { kind: 'conv2d' }, image: Values, weights: Weights): Values {
  const { window } = op
  const [channels, filters] = [window.input[2], window.output[2]]
  const kernel = weights(op.kernel)
  const output: Term[] = []
  over(window, (cells) => {
    for (let filter = 0; filter < filters; filter++) {
      const terms = op.bias === undefined ? [] : [weights(op.bias)[filter]!]
      for (const { row, column, inImage } of cells) {
        for (let channel = 0; channel < channels; channel++) {
          const weight = kernel[((row * window.size[1] + column) * channels + channel) * filters + filter]!
          terms.push(tape.multiply(image[inImage * channels + channel]!, weight))
        }
      }
      output.push(tape.sum(terms))
    }
  })
  return output
}

/** Before its activation. */
export function convolvedByChannel(
  tape: Tape,
  op: Op & { kind: 'depthwise-conv2d' },
  image: Values,
  weights: Weights,
): Values {
  const { window, multiplier } = op
  const channels = window.input[2]
  const kernel = weights(op.kernel)
  const output: Term[] = []
  over(window, (cells) => {
    for (let to = 0; to < channels * multiplier; to++) {
      const [channel, copy] = [Math.floor(to / multiplier), to % multiplier]
      const terms = op.bias === undefined ? [] : [weights(op.bias)[to]!]
      for (const { row, column, inImage } of cells) {
        const weight = kernel[((row * window.size[1] + column) * channels + channel) * multiplier + copy]!
        terms.push(tape.multiply(image[inImage * channels + channel]!, weight))
      }
      output.push(tape.sum(terms))
    }
  })
  return output
}

export function pooled(tape: Tape, { of, window }: Op & { kind: 'pool' }, image: Values): Values {
  const channels = window.input[2]
  const output: Term[] = []
  over(window, (cells) => {
    for (let channel = 0; channel < channels; channel++) {
      output.push(
        reduced(
          tape,
          of,
          cells.map(({ inImage }) => image[inImage * channels + channel]!),
        ),
      )
    }
  })
  return output
}

export function pooledGlobally(tape: Tape, { of, channels }: Op & { kind: 'global-pool' }, image: Values): Values {
  return Array.from({ length: channels }, (_, channel) =>
    reduced(
      tape,
      of,
      image.filter((_, i) => i % channels === channel),
    ),
  )
}

function reduced(tape: Tape, of: 'max' | 'average', terms: Values): Term {
  if (of === 'average') return tape.linear(tape.sum(terms), 1 / terms.length)
  return terms.reduce((largest, term) => tape.maximum(largest, term))
}
