import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ActivationKind, Window } from '../../../client/training/graph/graph.ts'
import { windowOver } from '../../../client/training/graph/shapes.ts'
import { paysInTiles, tiledConv2d } from '../../../client/training/wasm/layers/tiled-conv2d.ts'
import { expectNear, holdToNaive, LayerAtWork, type Naive, normals } from './layer-at-work.ts'

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

/** One image through a convolution; the weights are the kernel's, and behind them those of the bias if there is one. */
const convolved =
  (window: Window, activation: ActivationKind): Naive =>
  (x, weights) => {
    const [channels, filters] = [window.input[2], window.output[2]]
    const count = window.size[0] * window.size[1] * channels * filters
    const hasBias = weights.length > count
    const out = Array.from({ length: sizeOf(window.output) }, (_, i) => (hasBias ? weights[count + (i % filters)]! : 0))
    visit(window, (place, pixel, tap) => {
      for (let c = 0; c < channels; c++) {
        for (let f = 0; f < filters; f++) {
          out[place * filters + f]! += x[pixel * channels + c]! * weights[(tap * channels + c) * filters + f]!
        }
      }
    })
    return out.map(functions[activation]!)
  }

/** `kind`: another way than that which pays. */
function holdConvolution(
  window: Window,
  hasBias: boolean,
  activation: ActivationKind,
  options: { seed: number; kind?: typeof tiledConv2d },
): void {
  const { input, output, size } = window
  const weights = { kernel: sizeOf(size) * input[2] * output[2], ...(hasBias ? { bias: output[2] } : {}) }
  const op = { kind: 'conv2d', window, kernel: 'kernel', bias: hasBias ? 'bias' : undefined, activation } as const
  const sizes = { input: sizeOf(input), output: sizeOf(output), weights }
  holdToNaive(op, sizes, convolved(window, activation), options)
}

const filterCounts = fc.integer({ min: 1, max: 9 })

test('a convolution is the sum of products of window and kernel', () => {
  fc.assert(
    fc.property(
      windows,
      filterCounts,
      fc.boolean(),
      activations,
      seeds,
      (given, filters, hasBias, activation, seed) => {
        const { image, size, strides, padding } = given
        holdConvolution(windowOver(image, size, strides, padding, filters), hasBias, activation, { seed })
      },
    ),
    { numRuns: 60 },
  )
})

test('and so it is where tiles take fewer multiplications', () => {
  const wide = windows.map(({ image: [height, width, channels], size, ...rest }) => {
    return { image: [height, width + 4, channels] as const, size: [size[0], size[1] + 1] as const, ...rest }
  })
  fc.assert(
    fc.property(wide, filterCounts, fc.boolean(), activations, seeds, (given, filters, hasBias, activation, seed) => {
      const { image, size, strides, padding } = given
      const window = windowOver(image, size, [strides[0], 1], padding, filters)
      holdConvolution(window, hasBias, activation, { seed, kind: tiledConv2d })
    }),
    { numRuns: 40 },
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

/** In any order, and no two so near that a step of the central differences changes which is the greater. */
function distinct(count: number, seed: number): number[] {
  const keys = normals(count, seed, 'order')
  return [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!).map((place) => place / 16 - count / 32)
}

const ofs = fc.constantFrom('max' as const, 'average' as const)

test('a pool is the greatest or the mean of what lies inside of the image', () => {
  fc.assert(
    fc.property(windows, ofs, seeds, ({ image, size, strides, padding }, of, seed) => {
      const window = windowOver(image, size, strides, padding, image[2])
      const sizes = { input: sizeOf(image), output: sizeOf(window.output), weights: {} }
      holdToNaive({ kind: 'pool', of, window }, sizes, pooled(window, of, image[2]), {
        seed,
        x: distinct(3 * sizes.input, seed),
      })
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
        holdToNaive({ kind: 'global-pool', of, positions, channels }, sizes, pooled(window, of, channels), {
          seed,
          x: distinct(3 * sizes.input, seed),
        })
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

test.each([
  [5, 3, 5, false],
  [3, 16, 17, true],
] as const)(
  'a convolution that does not fit the cache is done in parts: %d × %d × %d, in tiles: %s',
  (side, channels, filters, inTiles) => {
    const window = windowOver([26, 26, channels], [side, side], [1, 1], 'same', filters)
    expect(paysInTiles(window)).toBe(inTiles)
    const op = { kind: 'conv2d', window, kernel: 'kernel', bias: 'bias', activation: 'relu' } as const
    const count = side * side * channels * filters
    const sizes = {
      input: sizeOf(window.input),
      output: sizeOf(window.output),
      weights: { kernel: count, bias: filters },
    }
    const weights = normals(count + filters, 1, 'weights')
    const x = normals(4 * sizes.input, 1, 'inputs')
    const d = normals(4 * sizes.output, 1, 'gradients')
    const together = new LayerAtWork(op, sizes, 4, weights)
    const single = new LayerAtWork(op, sizes, 1, weights)
    const outputs = together.forward(x, 4)
    const gradients = together.backward(d, 4)
    const norms = together.squaredNorms(4)
    const sum = new Float64Array(weights.length)
    const rows = [0, 1, 2, 3].map((row) => {
      const of = (values: Float32Array, size: number) => values.subarray(size * row, size * (row + 1))
      const output = single.forward(of(x, sizes.input), 1)
      const own = single.backward(of(d, sizes.output), 1)
      own.weights.forEach((value, i) => {
        sum[i]! += value
      })
      return { output, ...own }
    })
    const all = (part: (row: (typeof rows)[number]) => Float32Array) => rows.flatMap((row) => [...part(row)])
    expectNear(
      outputs,
      all(({ output }) => output),
      'outputs',
    )
    expectNear(
      gradients.input,
      all(({ input }) => input),
      'gradient of the inputs',
    )
    expectNear(gradients.weights, [...sum], 'gradient of the weights')
    expectNear(
      norms,
      rows.map(({ weights }) => weights.reduce((sum, value) => sum + value * value, 0)),
      'squared norms',
    )
    expectNear(
      outputs.subarray(0, sizes.output),
      convolved(window, 'linear')(Float64Array.from(x), Float64Array.from(weights)).map((value) => Math.max(0, value)),
      'outputs of the first row',
    )
    together.release()
    single.release()
  },
)
