import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { descentOf } from '../../client/training/descent.ts'
import { graphOf } from '../../client/training/graph/graph-of.ts'
import { ArenaPlan, takeArena } from '../../client/training/wasm/arena.ts'
import { planDescent } from '../../client/training/wasm/descent.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { type Training, trainingSchema } from '../../core/plan/training.ts'
import { layoutOf } from '../../core/tensors/layout.ts'
import { trainingModule } from '../../kernels/training/index.ts'
import { tableData } from '../export/models.ts'

const model = modelSchema.parse({ logistic: { l2: 0.125 } })
/** A bias of one value, and behind it a kernel. */
const graphFor = (inputs: number) => {
  const graph = graphOf(model, tableData(inputs))
  if ('outOfReach' in graph) throw new Error(graph.outOfReach)
  return graph
}

type Run = {
  readonly training: Training
  readonly weights: Float32Array
  readonly start?: Float32Array
  readonly correction?: Float32Array | undefined
  readonly gradients: readonly Float32Array[]
}

/** The weights after a step along each gradient. */
const descents: readonly [where: string, run: (run: Run) => Float32Array][] = [
  [
    'on plain arrays',
    ({ training, weights, start = weights, correction, gradients }) => {
      const layout = layoutOf(graphFor(weights.length - 1).tensors)
      const descend = descentOf(model, layout, { training, weights: start, correction })
      const moved = weights.slice()
      for (const gradient of gradients) descend(moved, gradient.slice())
      return moved
    },
  ],
  [
    'on kernels',
    ({ training, weights, start = weights, correction, gradients }) => {
      const plan = new ArenaPlan()
      const length = weights.length
      const at = { weights: plan.float32(length), gradient: plan.float32(length), length }
      const planned = planDescent(plan, model, graphFor(length - 1), { training, weights: start, correction })
      const arena = takeArena(trainingModule(), plan)
      const descent = planned(arena, at)
      arena.float32(at.weights, length).set(weights)
      for (const gradient of gradients) {
        arena.float32(at.gradient, length).set(gradient)
        descent.step()
      }
      const moved = arena.float32(at.weights, length).slice()
      arena.release()
      return moved
    },
  ],
]

describe.each(descents)('%s', (_, run) => {
  /** The weights 1 and 2 after one step of size 1 along the gradient 3, 4, which has the length 5. */
  const moved = (training: object, correction?: Float32Array) => {
    const parsed = trainingSchema.parse({ steps: 1, optimizer: { sgd: { learningRate: 1 } }, ...training })
    const weights = Float32Array.of(1, 2)
    const gradients = [Float32Array.of(3, 4)]
    return [...run({ training: parsed, weights, start: new Float32Array(2), correction, gradients })]
  }

  test('a step is along the gradient of the loss and the kernel’s own decay', () => {
    expect(moved({})).toEqual([1 - 3, 2 - 4 - 0.25])
  })

  test('weight decay is of all weights, biases too', () => {
    expect(moved({ weightDecay: 0.5 })).toEqual([1 - 3 - 0.5, 2 - 4 - 0.25 - 1])
  })

  test('clipping is of the loss alone: what penalties and a correction add comes behind it', () => {
    const training = { clipGradient: { norm: 2.5 }, weightDecay: 0.5, fedprox: { mu: 0.25 } }
    const expected = [1 - (1.5 + 0.25 + 0.5 + 100), 2 - (2 + 0.5 + 0.25 + 1 + 200)]
    expect(moved(training, Float32Array.of(100, 200))).toEqual(expected)
  })
})

const number = fc.float({ min: -2, max: 2, noNaN: true })
const vector = fc.array(number, { minLength: 7, maxLength: 7 }).map((values) => Float32Array.from(values))
const optimizer = fc.constantFrom(
  { sgd: { learningRate: 0.1 } },
  { sgd: { learningRate: 0.1, momentum: 0.9 } },
  { sgd: { learningRate: 0.1, momentum: 0.9, nesterov: true } },
  { adam: { learningRate: 0.05, epsilon: 1e-3 } },
  { adamw: { learningRate: 0.05, epsilon: 1e-3, weightDecay: 0.4 } },
)

test('kernels and plain arrays take the same steps, and leave what is frozen to the bit', () => {
  const training = fc
    .record({
      optimizer,
      freeze: fc.constantFrom(undefined, ['dense_1/bias'], ['dense_1/kernel']),
      clipGradient: fc.constantFrom(undefined, { norm: 1.5 }),
      fedprox: fc.constantFrom(undefined, { mu: 0.3 }),
      decay: fc.constantFrom(undefined, 0.2),
    })
    .map(({ decay, ...rest }) =>
      trainingSchema.parse({ steps: 1, ...rest, weightDecay: 'adamw' in rest.optimizer ? undefined : decay }),
    )
  const runs = fc.record({ training, weights: vector, gradients: fc.array(vector, { minLength: 1, maxLength: 6 }) })
  fc.assert(
    fc.property(runs, (one) => {
      const [plain, kernels] = descents.map(([, run]) => run(one)) as [Float32Array, Float32Array]
      for (const [i, value] of plain.entries()) expect(Math.abs(kernels[i]! - value)).toBeLessThan(1e-4)
      const frozen = one.training.freeze?.[0]
      const part = (values: Float32Array) =>
        frozen === undefined ? [] : frozen.endsWith('bias') ? [...values.slice(0, 1)] : [...values.slice(1)]
      for (const values of [plain, kernels]) expect(part(values)).toEqual(part(one.weights))
    }),
    { numRuns: 300 },
  )
})
