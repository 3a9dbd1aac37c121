import { describe, expect, test } from 'vitest'
import { type Engine, loadEngine, type Tensor } from '../../client/training/tfjs/load.ts'
import { randomOf } from '../../core/random/random.ts'

type Case = {
  input: [number, number, number, number]
  filter: [number, number, number, number]
  strides: [number, number]
  pad: 'same' | 'valid'
}

/** Small convolutions of all kinds: strides that divide the input and that do not, filters larger than the output. */
function randomCases(count: number): Case[] {
  const random = randomOf(7, 'cases')
  return Array.from({ length: count }, () => {
    const kernel = [1 + random.below(4), 1 + random.below(4)] as const
    return {
      input: [1 + random.below(3), kernel[0] + random.below(6), kernel[1] + random.below(6), 1 + random.below(4)],
      filter: [kernel[0], kernel[1], 0, 1 + random.below(4)],
      strides: [1 + random.below(3), 1 + random.below(3)],
      pad: random.below(2) === 0 ? 'same' : 'valid',
    } satisfies Case
  }).map((one) => ({ ...one, filter: [one.filter[0], one.filter[1], one.input[3], one.filter[3]] }))
}

function values(length: number, stream: string): Float32Array {
  const random = randomOf(11, stream)
  return Float32Array.from({ length }, () => random.normal())
}

function run(engine: Engine, kernel: string, inputs: Record<string, [Float32Array, number[]]>, attributes: object) {
  engine.use()
  let result = new Float32Array()
  let shape: number[] = []
  engine.tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, [data, shape]]) => [name, engine.upload(data, shape)]),
    )
    const out = engine.tf.engine().runKernel(kernel, tensors, attributes as never) as Tensor
    result = engine.read(out).slice()
    shape = [...out.shape]
  })
  return { result, shape }
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length)
  actual.forEach((value, i) => {
    const other = expected[i] as number
    if (Math.abs(value - other) > 1e-4 * Math.max(1, Math.abs(other))) throw new Error(`${i}: ${value} is not ${other}`)
  })
}

describe('the kernels composed for the wasm backend agree with the cpu backend', () => {
  test('convolutions and their gradients', async () => {
    const [wasm, cpu] = [await loadEngine('tfjs-wasm'), await loadEngine('tfjs-cpu')]
    for (const { input, filter, strides, pad } of randomCases(60)) {
      const { outShape } = cpu.tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad)
      const size = (shape: number[]) => shape.reduce((product, axis) => product * axis, 1)
      const x: [Float32Array, number[]] = [values(size(input), 'x'), input]
      const dy: [Float32Array, number[]] = [values(size(outShape), 'dy'), outShape]
      const w: [Float32Array, number[]] = [values(size(filter), 'w'), filter]
      const common = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: undefined }
      for (const [kernel, inputs, attributes] of [
        ['Conv2D', { x, filter: w }, { ...common, dilations: [1, 1] }],
        ['Conv2DBackpropFilter', { x, dy }, { ...common, filterShape: filter }],
        ['Conv2DBackpropInput', { dy, filter: w }, { ...common, inputShape: input }],
      ] as const) {
        const fast = run(wasm, kernel, inputs, attributes)
        const slow = run(cpu, kernel, inputs, attributes)
        expect(fast.shape).toEqual(slow.shape)
        expectClose(fast.result, slow.result)
      }
    }
  })

  test('depthwise convolutions and their gradients', async () => {
    const [wasm, cpu] = [await loadEngine('tfjs-wasm'), await loadEngine('tfjs-cpu')]
    for (const { input, filter, strides, pad } of randomCases(60)) {
      const { outShape } = cpu.tf.backend_util.computeConv2DInfo(input, filter, strides, 1, pad, undefined, true)
      const size = (shape: number[]) => shape.reduce((product, axis) => product * axis, 1)
      const x: [Float32Array, number[]] = [values(size(input), 'x'), input]
      const dy: [Float32Array, number[]] = [values(size(outShape), 'dy'), outShape]
      const w: [Float32Array, number[]] = [values(size(filter), 'w'), filter]
      const common = { strides, pad, dilations: [1, 1], dimRoundingMode: undefined }
      for (const [kernel, inputs, attributes] of [
        ['DepthwiseConv2dNative', { x, filter: w }, common],
        ['DepthwiseConv2dNativeBackpropFilter', { x, dy }, { ...common, filterShape: filter }],
        ['DepthwiseConv2dNativeBackpropInput', { dy, filter: w }, { ...common, inputShape: input }],
      ] as const) {
        const fast = run(wasm, kernel, inputs, attributes)
        const slow = run(cpu, kernel, inputs, attributes)
        expect(fast.shape).toEqual(slow.shape)
        expectClose(fast.result, slow.result)
      }
    }
  })

  test('matrix products with transposed operands, small and large', async () => {
    const [wasm, cpu] = [await loadEngine('tfjs-wasm'), await loadEngine('tfjs-cpu')]
    for (const [m, k, n] of [
      [3, 4, 5],
      [70, 80, 3],
      [1, 5000, 2],
    ] as const) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const a: [Float32Array, number[]] = [values(2 * m * k, 'a'), transposeA ? [2, k, m] : [2, m, k]]
          const b: [Float32Array, number[]] = [values(2 * k * n, 'b'), transposeB ? [2, n, k] : [2, k, n]]
          const fast = run(wasm, 'BatchMatMul', { a, b }, { transposeA, transposeB })
          const slow = run(cpu, 'BatchMatMul', { a, b }, { transposeA, transposeB })
          expect(fast.shape).toEqual(slow.shape)
          fast.result.forEach((value, i) => {
            expect(Math.abs(value - (slow.result[i] as number))).toBeLessThan(2e-3)
          })
        }
      }
    }
  })

  test('sums of segments, with ids that are out of range', async () => {
    const [wasm, cpu] = [await loadEngine('tfjs-wasm'), await loadEngine('tfjs-cpu')]
    const results = [wasm, cpu].map((engine) => {
      engine.use()
      return engine.tf.tidy(() => {
        const x = engine.upload(values(12, 'x'), [4, 3])
        const ids = engine.tf.tensor1d([2, 0, 2, -1], 'int32')
        return engine.read(engine.tf.unsortedSegmentSum(x as never, ids, 3)).slice()
      })
    })
    expectClose(results[0]!, results[1]!)
  })
})

test('loading engines prints nothing and leaves no listeners on the process', async () => {
  await loadEngine('tfjs-wasm')
  const rethrowing = process.listeners('uncaughtException').filter((listener) => /ExitStatus/.test(String(listener)))
  expect(rethrowing).toEqual([])
})

test('an engine that is not there is said to be unavailable', async () => {
  const outcome = await loadEngine('tfjs-node').then(
    ({ name }) => name,
    (error: unknown) => (error as { code: string }).code,
  )
  expect(['tfjs-node', 'engine.unavailable']).toContain(outcome)
})
