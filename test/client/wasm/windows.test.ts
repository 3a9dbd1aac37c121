import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ActivationKind, Window } from '../../../client/training/graph/graph.ts'
import { windowOver } from '../../../client/training/graph/shapes.ts'
import { expectNear, holdToNaive, LayerAtWork, type Naive } from './layer-at-work.ts'

/** Windows of all kinds: strides beyond the size, sizes beyond the image, channels that fill registers and that do not. */
const windows = fc
  .record({
    image: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
    size: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    padding: fc.constantFrom('same' as const, 'valid' as const),
  })
  .filter(({ image, size, padding }) => padding === 'same' || (image[0] >= size[0] && image[1] >= size[1]))

const seeds = fc.integer({ min: 1, max: 1000 })
const activations = fc.constantFrom<ActivationKind>('linear', 'tanh', 'sigmoid')

/** Each pixel of the image that lies in the window at each place, with its place in the window. */
function visit(
  { input, output, size, strides, padding }: Window,
  see: (place: number, pixel: number, tap: number) => void,
): void {
  for (let row = 0; row < output[0]; row++) {
    for (let column = 0; column < output[1]; column++) {
      for (let i = 0; i < size[0]; i++) {
        for (let j = 0; j < size[1]; j++) {
          const [y, x] = [row * strides[0] - padding[0] + i, column * strides[1] - padding[1] + j]
          if (y < 0 || x < 0 || y >= input[0] || x >= input[1]) continue
          see(row * output[1] + column, y * input[1] + x, i * size[1] + j)
        }
      }
    }
  }
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)

const functions: Partial<Record<ActivationKind, (x: number) => number>> = {
  linear: (x) => x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
}

test('a convolution is the sum of products of window and kernel', () => {
  const filters = fc.integer({ min: 1, max: 9 })
  fc.assert(
    fc.property(windows, filters, fc.boolean(), activations, seeds, (given, filters, hasBias, activation, seed) => {
      const { image, size, strides, padding } = given
      const window = windowOver(image, size, strides, padding, filters)
      const [, , channels] = image
      const taps = size[0] * size[1] * channels
      const naive: Naive = (x, weights) => {
        const kernel = weights.subarray(0, taps * filters)
        const out = Array.from({ length: sizeOf(window.output) }, (_, i) =>
          hasBias ? weights[taps * filters + (i % filters)]! : 0,
        )
        visit(window, (place, pixel, tap) => {
          for (let c = 0; c < channels; c++) {
            for (let f = 0; f < filters; f++) {
              out[place * filters + f]! += x[pixel * channels + c]! * kernel[(tap * channels + c) * filters + f]!
            }
          }
        })
        return out.map(functions[activation]!)
      }
      const op = { kind: 'conv2d', window, kernel: 'kernel', bias: hasBias ? 'bias' : undefined, activation } as const
      const weights = { kernel: taps * filters, ...(hasBias ? { bias: filters } : {}) }
      holdToNaive(op, { input: sizeOf(image), output: sizeOf(window.output), weights }, naive, { seed })
    }),
    { numRuns: 60 },
  )
})

test('a depthwise convolution keeps channels apart', () => {
  const multipliers = fc.constantFrom(1, 1, 2, 3)
  fc.assert(
    fc.property(
      windows,
      multipliers,
      fc.boolean(),
      activations,
      seeds,
      (given, multiplier, hasBias, activation, seed) => {
        const { image, size, strides, padding } = given
        const channels = image[2] * multiplier
        const window = windowOver(image, size, strides, padding, channels)
        const count = size[0] * size[1] * channels
        const naive: Naive = (x, weights) => {
          const out = Array.from({ length: sizeOf(window.output) }, (_, i) =>
            hasBias ? weights[count + (i % channels)]! : 0,
          )
          visit(window, (place, pixel, tap) => {
            for (let c = 0; c < channels; c++) {
              out[place * channels + c]! +=
                x[pixel * image[2] + Math.floor(c / multiplier)]! * weights[tap * channels + c]!
            }
          })
          return out.map(functions[activation]!)
        }
        const bias = hasBias ? 'bias' : undefined
        const op = { kind: 'depthwise-conv2d', window, multiplier, kernel: 'kernel', bias, activation } as const
        const weights = { kernel: count, ...(hasBias ? { bias: channels } : {}) }
        holdToNaive(op, { input: sizeOf(image), output: sizeOf(window.output), weights }, naive, { seed })
      },
    ),
    { numRuns: 60 },
  )
})

test('a depthwise convolution of many channels takes sixteen at a time', () => {
  const window = windowOver([3, 4, 37], [3, 3], [1, 1], 'same', 37)
  const naive: Naive = (x, weights) => {
    const out = new Array<number>(3 * 4 * 37).fill(0)
    visit(window, (place, pixel, tap) => {
      for (let c = 0; c < 37; c++) out[place * 37 + c]! += x[pixel * 37 + c]! * weights[tap * 37 + c]!
    })
    return out
  }
  const op = { kind: 'depthwise-conv2d', multiplier: 1, window, kernel: 'kernel', bias: undefined } as const
  const sizes = { input: 3 * 4 * 37, output: 3 * 4 * 37, weights: { kernel: 9 * 37 } }
  holdToNaive({ ...op, activation: 'linear' }, sizes, naive, { rows: 2 })
})

const pooled =
  (window: Window, of: 'max' | 'average', channels: number): Naive =>
  (x) => {
    const seen = Array.from({ length: sizeOf(window.output) }, (): number[] => [])
    visit(window, (place, pixel) => {
      for (let c = 0; c < channels; c++) seen[place * channels + c]!.push(x[pixel * channels + c]!)
    })
    return seen.map((values) =>
      of === 'max' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0) / values.length,
    )
  }

const ofs = fc.constantFrom('max' as const, 'average' as const)

test('a pool is the greatest or the mean of what lies inside of the image', () => {
  fc.assert(
    fc.property(windows, ofs, seeds, ({ image, size, strides, padding }, of, seed) => {
      const window = windowOver(image, size, strides, padding, image[2])
      const sizes = { input: sizeOf(image), output: sizeOf(window.output), weights: {} }
      holdToNaive({ kind: 'pool', of, window }, sizes, pooled(window, of, image[2]), { seed })
    }),
    { numRuns: 60 },
  )
})

test('a global pool is over all positions', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      ofs,
      seeds,
      (positions, channels, of, seed) => {
        const window = windowOver([positions, 1, channels], [positions, 1], [1, 1], 'valid', channels)
        const sizes = { input: positions * channels, output: channels, weights: {} }
        holdToNaive({ kind: 'global-pool', of, positions, channels }, sizes, pooled(window, of, channels), { seed })
      },
    ),
    { numRuns: 30 },
  )
})

test('of equal values the first gets the gradient of their maximum', () => {
  const window = windowOver([2, 2, 1], [2, 2], [2, 2], 'valid', 1)
  const layer = new LayerAtWork({ kind: 'pool', of: 'max', window }, { input: 4, output: 1, weights: {} }, 1, [])
  layer.forward([1, 3, 3, 3], 1)
  expect([...layer.backward([5], 1).input]).toEqual([0, 5, 0, 0])
  layer.release()
})

test('a maximum over a NaN is NaN', () => {
  const window = windowOver([1, 3, 1], [1, 3], [1, 1], 'valid', 1)
  const layer = new LayerAtWork({ kind: 'pool', of: 'max', window }, { input: 3, output: 1, weights: {} }, 1, [])
  expect([...layer.forward([1, Number.NaN, 3], 1)]).toEqual([Number.NaN])
  layer.release()
})

test('a convolution that does not fit the cache is done in parts', () => {
  const window = windowOver([20, 20, 3], [5, 5], [1, 1], 'same', 5)
  const op = { kind: 'conv2d', window, kernel: 'kernel', bias: 'bias', activation: 'relu' } as const
  const sizes = { input: 1200, output: 2000, weights: { kernel: 375, bias: 5 } }
  const weights = Float32Array.from({ length: 380 }, (_, i) => Math.sin(i))
  const x = Float32Array.from({ length: 4 * 1200 }, (_, i) => Math.cos(i * 0.7))
  const d = Float32Array.from({ length: 4 * 2000 }, (_, i) => Math.cos(i * 0.3))
  const together = new LayerAtWork(op, sizes, 4, weights)
  const single = new LayerAtWork(op, sizes, 1, weights)
  const output = together.forward(x, 4)
  const { input, weights: gradient } = together.backward(d, 4)
  const sum = new Float64Array(380)
  const inputs: number[] = []
  for (let row = 0; row < 4; row++) {
    const own = single.forward(x.subarray(1200 * row, 1200 * (row + 1)), 1)
    expect([...own]).toEqual([...output.subarray(2000 * row, 2000 * (row + 1))])
    const back = single.backward(d.subarray(2000 * row, 2000 * (row + 1)), 1)
    inputs.push(...back.input)
    back.weights.forEach((value, i) => {
      sum[i]! += value
    })
  }
  expectNear(input, inputs, 'gradient of the inputs')
  expectNear(gradient, [...sum], 'gradient of the weights')
  together.release()
  single.release()
})
