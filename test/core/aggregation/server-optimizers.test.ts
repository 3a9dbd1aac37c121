import { describe, expect, test } from 'vitest'
import type { ServerOptimizer } from '../../../core/aggregation/server/optimizer.ts'
import { type ServerOptimizerName, serverOptimizers } from '../../../core/aggregation/server/registry.ts'
import { randomOf } from '../../../core/random/random.ts'

type AnyOptions = { learningRate: number; momentum?: number; beta1?: number; beta2?: number; tau?: number }
type Reference = (options: Required<AnyOptions>, w: number, delta: number, state: readonly number[]) => number[]

const optimizers = serverOptimizers as unknown as Record<ServerOptimizerName, ServerOptimizer<AnyOptions>>
const names = Object.keys(optimizers) as ServerOptimizerName[]

/** One parameter, one round, in plain float64: the new weight and the new state. */
const references: Record<ServerOptimizerName, Reference> = {
  fedavg: ({ learningRate }, w, delta) => [w + learningRate * delta],
  fedavgm: ({ learningRate, momentum }, w, delta, [v]) => {
    const next = momentum * v! + delta
    return [w + learningRate * next, next]
  },
  fedadagrad: adaptive((_, v, square) => v + square),
  fedadam: adaptive(({ beta2 }, v, square) => beta2 * v + (1 - beta2) * square),
  fedyogi: adaptive(({ beta2 }, v, square) =>
    v > square ? v - (1 - beta2) * square : v < square ? v + (1 - beta2) * square : v,
  ),
}

function adaptive(moment: (options: Required<AnyOptions>, v: number, square: number) => number): Reference {
  return (options, w, delta, [m, v]) => {
    const { learningRate, beta1, tau } = options
    const next = beta1 * m! + (1 - beta1) * delta
    const second = moment(options, v!, delta ** 2)
    return [w + (learningRate * next) / (Math.sqrt(second) + tau), next, second]
  }
}

function freshState({ start }: ServerOptimizer<AnyOptions>, options: AnyOptions, length: number): Float32Array[] {
  return start(options).map((value) => new Float32Array(length).fill(value))
}

function drawn(name: string, length: number, scale: number): Float64Array {
  const random = randomOf(7, name)
  return Float64Array.from({ length }, () => (2 * random.uniform() - 1) * scale)
}

/** The weights and the state after some rounds, each in tiles of `tile` parameters. */
function rounds(optimizer: ServerOptimizer<AnyOptions>, options: AnyOptions, aggregates: Float64Array[], tile: number) {
  const length = aggregates[0]!.length
  const state = freshState(optimizer, options, length)
  let weights = Float32Array.from(drawn('weights', length, 1))
  for (const aggregate of aggregates) {
    const out = new Float32Array(length)
    for (let from = 0; from < length; from += tile) {
      const cut = <T extends Float32Array | Float64Array>(values: T) => values.subarray(from, from + tile) as T
      optimizer.apply(options, {
        weights: cut(weights),
        aggregate: cut(aggregate),
        out: cut(out),
        state: state.map(cut),
      })
    }
    weights = out
  }
  return { weights, state }
}

const someRounds = Array.from({ length: 6 }, (_, k) => drawn(`aggregate-${k}`, 257, 10 ** (k - 3)))

describe.each(names)('%s', (name) => {
  const optimizer = optimizers[name]
  const options = optimizer.options.parse({ learningRate: 0.3 })

  test('is what its formula says, each number rounded once to float32 in each round', () => {
    const { weights, state } = rounds(optimizer, options, someRounds, 257)
    let expected = Float32Array.from(drawn('weights', 257, 1))
    const carried = freshState(optimizer, options, 257)
    for (const aggregate of someRounds) {
      expected = expected.map((w, j) => {
        const before = carried.map((vector) => vector[j]!)
        const [next, ...after] = references[name](options as Required<AnyOptions>, w, aggregate[j]!, before)
        for (const [k, value] of after.entries()) carried[k]![j] = value
        return next!
      })
    }
    expect(state).toEqual(carried)
    expect(weights).toEqual(expected)
  })

  test.each([1, 16, 100])('in tiles of %i gives the same bytes as on the whole', (tile) => {
    expect(rounds(optimizer, options, someRounds, tile)).toEqual(rounds(optimizer, options, someRounds, 257))
  })

  test('may write over the weights that it reads', () => {
    const weights = Float32Array.from(drawn('weights', 257, 1))
    const state = freshState(optimizer, options, 257)
    optimizer.apply(options, { weights, aggregate: someRounds[3]!, out: weights, state })
    expect(weights).toEqual(rounds(optimizer, options, someRounds.slice(3, 4), 257).weights)
  })

  test('stays where it is when nothing was learnt, for many rounds and with the smallest tau', () => {
    const still = optimizer.options.parse({ learningRate: 100, ...(options.tau === undefined ? {} : { tau: 1e-9 }) })
    const zero = new Float64Array(4)
    const state = freshState(optimizer, still, 4)
    const weights = Float32Array.of(0, 1, -1e-30, 3e38)
    for (let k = 0; k < 5_000; k++) optimizer.apply(still, { weights, aggregate: zero, out: weights, state })
    expect(weights).toEqual(Float32Array.of(0, 1, -1e-30, 3e38))
    expect(state.flatMap((vector) => [...vector]).every(Number.isFinite)).toBe(true)
  })

  test('stays finite over extreme rounds', () => {
    const wild = [1e15, -1e15, 1e-300, 0, 1e15].map((value) => new Float64Array(3).fill(value))
    const { weights, state } = rounds(optimizer, options, wild, 3)
    for (const vector of [weights, ...state]) expect([...vector].every(Number.isFinite)).toBe(true)
  })

  test('starts as many vectors as it names, and its options parse to themselves', () => {
    expect(optimizer.start(options)).toHaveLength(optimizer.state.length)
    expect(optimizer.options.parse(options)).toEqual(options)
  })

  test.each([{ learningRate: 0 }, { learningRate: 101 }, { learningRate: 1, rate: 1 }])('refuses %j', (value) => {
    expect(optimizer.options.safeParse(value).success).toBe(false)
  })
})

describe('by hand', () => {
  const one = (name: ServerOptimizerName, given: object, deltas: number[]) => {
    const optimizer = optimizers[name]
    const options = optimizer.options.parse(given)
    const state = freshState(optimizer, options, 1)
    const weights = Float32Array.of(1)
    return deltas.map((delta) => {
      optimizer.apply(options, { weights, aggregate: Float64Array.of(delta), out: weights, state })
      return weights[0]!
    })
  }

  test('FedAvg goes all of the way by default', () => {
    expect(one('fedavg', {}, [0.5, -2])).toEqual([1.5, -0.5])
    expect(one('fedavg', { learningRate: 0.5 }, [0.5, -2])).toEqual([1.25, 0.25])
  })

  test('FedAvgM keeps its way: v = 1, 1.5, 1.75', () => {
    expect(one('fedavgm', { momentum: 0.5 }, [1, 1, 1])).toEqual([2, 3.5, 5.25])
    expect(optimizers.fedavgm.options.parse({})).toEqual({ learningRate: 1, momentum: 0.9 })
  })

  test('FedAdagrad divides by the root of all squares: v = 0.25 + 9 + 16 = 25.25', () => {
    // τ = 1/2: v₋₁ = 1/4. Steps 3/(√9.25 + ½), 4/(√25.25 + ½).
    const [first, second] = one('fedadagrad', { learningRate: 1, tau: 0.5 }, [3, 4])
    expect(first).toBeCloseTo(1 + 3 / (Math.sqrt(9.25) + 0.5), 6)
    expect(second! - first!).toBeCloseTo(4 / (Math.sqrt(25.25) + 0.5), 6)
  })

  test('FedAdam does not correct its bias: m = 0.1, v = 0.99 · τ² + 0.01', () => {
    const [first] = one('fedadam', { learningRate: 1 }, [1])
    expect(first).toBeCloseTo(1 + 0.1 / (Math.sqrt(0.99e-6 + 0.01) + 1e-3), 6)
  })

  test('FedYogi moves v to Δ² from either side, and leaves it where they are equal', () => {
    const options = { learningRate: 1, beta1: 0, beta2: 0.75, tau: 0.5 }
    expect(one('fedyogi', options, [0.5])[0]).toBeCloseTo(1 + 0.5 / (0.5 + 0.5), 6)
    expect(one('fedyogi', options, [1])[0]).toBeCloseTo(1 + 1 / (Math.sqrt(0.5) + 0.5), 6)
    expect(one('fedyogi', options, [0.25])[0]).toBeCloseTo(1 + 0.25 / (Math.sqrt(0.25 - 0.25 / 16) + 0.5), 6)
  })

  test('only the averages have a default step size', () => {
    for (const name of names) {
      expect(optimizers[name].options.safeParse({}).success).toBe(name === 'fedavg' || name === 'fedavgm')
    }
  })
})
