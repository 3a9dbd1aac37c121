import { describe, expect, test } from 'vitest'
import { checkScenario, type Scenario, type SimulateOptions, simulate } from '../../sim/index.ts'

type Changes = { readonly plan?: object; readonly world?: object }

/** Blobs in four dimensions, logistic regression, six clients: a round takes milliseconds. */
function scenarioOf({ plan = {}, world = {} }: Changes = {}): Scenario {
  return checkScenario({
    scenario: 1,
    plan: {
      parley: 1,
      name: 'blobs',
      model: { logistic: {} },
      data: {
        csv: {
          columns: [
            ...Array.from({ length: 4 }, (_, i) => ({ name: `x${i}`, type: 'number' })),
            { name: 'y', type: 'label' },
          ],
          label: { positive: { above: 0 } },
        },
      },
      training: { epochs: 1, batch: 16, optimizer: { sgd: { learningRate: 0.2 } } },
      rounds: 3,
      window: { count: { min: 6, max: 6 } },
      gates: [{ metric: 'accuracy', min: 0.6 }],
      ...plan,
    },
    world: {
      clients: 6,
      data: { generated: { blobs: { rows: 600, inputs: 4, classes: 2 } } },
      partition: { dirichlet: { alpha: 1 } },
      seed: 5,
      ...world,
    },
  })
}

const run = (changes?: Changes, options: SimulateOptions = {}) =>
  simulate(scenarioOf(changes), { workers: 0, ...options })

describe('a simulation', () => {
  test('trains with the product’s own machine, evaluates, and publishes through the gates', async () => {
    const result = await run()
    expect(result.outcome).toMatchObject({ kind: 'published' })
    expect(result.rounds.map(({ accepted }) => accepted.length)).toEqual([6, 6, 6])
    const last = result.rounds.at(-1)!
    expect(last.central?.rows).toBe(120)
    expect(last.central!.accuracy!).toBeGreaterThan(0.8)
    expect(last.confusion!.reduce((a, b) => a + b)).toBe(120)
    expect(last.robustness!.clients).toHaveLength(6)
    expect(result.world.rows.flat().reduce((a, b) => a + b)).toBe(480)
    expect(result.trainedOn).toEqual({ engine: 'wasm', why: 'it reaches the model' })
  })

  test('trains on the engine that the plan asks for', async () => {
    const training = { epochs: 1, batch: 32, optimizer: { sgd: { learningRate: 0.1 } } }
    const one = await run({ plan: { training: { ...training, engine: 'tfjs-wasm' }, rounds: 1 } })
    expect(one.trainedOn).toEqual({ engine: 'tfjs-wasm', why: 'the plan asks for tfjs-wasm' })
  })

  test('gives the same bytes again, with one worker, two, or none', async () => {
    const world = {
      attackers: { count: 1, attack: 'alie', sees: 'updates' },
      faults: [{ dropout: { phase: 'training', rate: 0.1 } }],
    }
    const plan = { window: { count: { min: 3, max: 6 }, time: { min: '1s', max: '10s' } }, evaluation: { every: 2 } }
    const results = [await run({ world, plan })]
    for (const workers of [1, 2]) results.push(await run({ world, plan }, { workers }))
    expect(results[0]!.weights).toMatch(/^[0-9a-f]{64}$/)
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('trains convolutions to the same bytes in threads of their own', async () => {
    const plan = {
      model: { cnn: { filters: [3, 5], kernel: 3, dense: 9, dropout: 0.2 } },
      data: { idx: { shape: [9, 7], classes: 3 } },
      training: { epochs: 1, batch: 16, optimizer: { adam: { learningRate: 0.01 } } },
      gates: [{ metric: 'accuracy', min: 0 }],
    }
    const world = { data: { generated: { images: { rows: 600, height: 9, width: 7, classes: 3 } } } }
    const results = []
    for (const workers of [0, 1, 2]) results.push(await run({ plan, world }, { workers }))
    expect(results[0]!.trainedOn?.engine).toBe('wasm')
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('gives the same bytes where everything happens at one instant and a window closes before all are in', async () => {
    const plan = { window: { count: { min: 3, max: 6 } } }
    const results = []
    for (const workers of [0, 1, 2]) results.push(await run({ plan }, { workers }))
    expect(results[0]!.rounds.map(({ accepted }) => accepted.length)).toEqual([3, 3, 3])
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  test('gives other bytes for another seed', async () => {
    const [a, b] = [await run(), await run({ world: { seed: 6 } })]
    expect(a.weights).not.toBe(b.weights)
  })

  test('takes virtual time as devices and network do, and none in truth', async () => {
    const world = { devices: { stepsPerSecond: [1, 2] }, network: { latencyMs: 500, bytesPerSecond: 1000 } }
    const { virtualMs, rounds } = await run({ world })
    // Each client trains 480/6/16 steps at one or two a second, some of them longer, and everything travels for half a second.
    expect(virtualMs).toBeGreaterThan(3 * (5 * 500 + 1000))
    for (const { openedMs, closedMs } of rounds) expect(closedMs).toBeGreaterThan(openedMs)
  })
})

test('an interrupt ends it, and nothing goes on behind it', async () => {
  const abort = new AbortController()
  let rounds = 0
  const running = run(
    { plan: { rounds: 1000 } },
    {
      signal: abort.signal,
      onEvent: ({ type }) => {
        if (type === 'round' && ++rounds === 2) abort.abort()
      },
    },
  )
  await expect(running).rejects.toMatchObject({ code: 'interrupted' })
  expect(rounds).toBe(2)
})

describe('attackers', () => {
  const attacked = (attack: unknown, plan: object = {}, attackers: object = {}) =>
    run({ plan, world: { attackers: { count: 1, attack, sees: 'updates', ...attackers } } })

  test('ruin the mean, and not a robust rule', async () => {
    const scale = { 'inner-product': { tau: 20 } }
    const mean = await attacked(scale)
    const robust = await attacked(scale, {
      aggregation: { before: [{ nnm: { f: 1 } }], rule: { 'trimmed-mean': { f: 1 } } },
    })
    const accuracy = (result: typeof mean) => result.rounds.at(-1)!.central!.accuracy!
    expect(accuracy(robust) - accuracy(mean)).toBeGreaterThan(0.2)
    expect(robust.suspects.map(({ client }) => client)).toEqual(['client-5'])
    expect(robust.attackers).toEqual(['client-5'])
  })

  test('see what the threat model grants, and nothing else', async () => {
    const seen: number[] = []
    const spy = {
      name: 'spy',
      options: {},
      attack: {
        kind: 'update' as const,
        knowledge: 'updates' as const,
        craft: async ({ honest, own }: { honest: readonly Float32Array[]; own: () => Promise<Float32Array> }) => {
          seen.push(honest.length)
          return await own()
        },
      },
    }
    await simulate(scenarioOf({ world: { attackers: { count: 2, attack: 'mimic', sees: 'updates' } } }), {
      workers: 0,
      attack: spy,
    })
    expect(new Set(seen)).toEqual(new Set([4]))
    seen.length = 0
    await simulate(scenarioOf({ world: { attackers: { count: 2, attack: 'mimic', sees: 'own' } } }), {
      workers: 0,
      attack: spy,
    })
    expect(new Set(seen)).toEqual(new Set([0]))
  })

  test.each([
    ['nan', 'update.not-finite'],
    ['infinity', 'update.not-finite'],
    ['huge-sample-count', 'update.weight-limit'],
    ['wrong-shape', 'update.layout-mismatch'],
  ])('that send %s are refused as %s, and the round goes on without them', async (attack, code) => {
    const plan = { window: { count: { min: 5, max: 6 }, time: { min: '1s', max: '10s' } } }
    const { rounds, outcome } = await attacked(attack, plan)
    expect(outcome.kind).toBe('published')
    for (const { accepted, refused } of rounds) {
      expect(accepted).not.toContain('client-5')
      for (const refusal of refused) expect(refusal).toMatchObject({ client: 'client-5', code })
    }
    expect(rounds.flatMap(({ refused }) => refused).length).toBeGreaterThan(0)
  })

  test('on the data come through where nobody looks: the probe shows it', async () => {
    const { rounds } = await attacked(
      { backdoor: { target: 1, features: [{ index: 0, value: 50 }], share: 0.9 } },
      {},
      { count: 3 },
    )
    expect(rounds.at(-1)!.attackSuccess).toBeGreaterThan(0.5)
  })

  test('of every kind leave a run that ends', async () => {
    for (const attack of [
      'label-flip',
      'sign-flip',
      'gaussian',
      'inner-product-optimised',
      'alie-optimised',
      'min-max',
      'min-sum',
      'fang-trim',
      'free-rider',
      'max-norm-negative',
    ]) {
      const { rounds } = await attacked(attack, { rounds: 1, aggregation: { rule: { 'trimmed-mean': { f: 1 } } } })
      expect(rounds[0]!.accepted).toHaveLength(6)
    }
  })
})

describe('faults', () => {
  const window = (min: number) => ({ window: { count: { min, max: 6 }, time: { min: '1s', max: '10s' } } })

  test.each(['training', 'upload', 'evaluation'])(
    'clients that drop out in %s leave the others to finish',
    async (phase) => {
      const world = { faults: [{ dropout: { phase, rate: 0.3 } }] }
      const evaluation = { window: { count: { min: 1 }, time: { min: '1s', max: '5s' } } }
      const { rounds, outcome } = await run({ world, plan: { ...window(2), evaluation, rounds: 6 } })
      expect(outcome.kind).toBe('published')
      const answered = rounds.map(({ accepted, clients }) =>
        phase === 'evaluation' ? clients.length : accepted.length,
      )
      expect(Math.min(...answered)).toBeLessThan(6)
      expect(answered.reduce((a, b) => a + b)).toBeGreaterThan(18)
    },
  )

  test('a coordinator that dies in the middle of a round loses nothing', async () => {
    const restarted: number[] = []
    const onEvent: SimulateOptions['onEvent'] = (event) => {
      if (event.type === 'restarted') restarted.push(event.round)
    }
    const calm = await run({ plan: window(6) })
    const shaken = await run({ plan: window(6), world: { faults: [{ restart: { round: 2 } }] } }, { onEvent })
    expect(restarted).toEqual([2])
    expect(shaken.rounds.map(({ accepted }) => accepted.length)).toEqual([6, 6, 6])
    expect(shaken.outcome.kind).toBe('published')
    expect(shaken.virtualMs).toBeGreaterThan(calm.virtualMs)
  })

  test('frames that come twice, or late, change nothing', async () => {
    const calm = await run()
    const noisy = await run({ world: { faults: [{ duplicate: { rate: 0.5 } }, { reorder: { jitterMs: 1000 } }] } })
    expect(noisy.weights).toBe(calm.weights)
  })

  test('stragglers and those who are cut off are waited for as long as the window says', async () => {
    const world = {
      devices: { stepsPerSecond: 10 },
      faults: [{ straggler: { rate: 0.3, factor: 1000 } }, { partition: { share: 0.3, from: 2, rounds: 1 } }],
    }
    const { rounds, outcome } = await run({ world, plan: { ...window(2), rounds: 4 } })
    expect(outcome.kind).toBe('published')
    expect(Math.min(...rounds.map(({ accepted }) => accepted.length))).toBeLessThan(6)
  })
})

describe('bad input is named', () => {
  test.each([
    [{ world: { attackers: { count: 1, attack: 'sign-flop' } } }, /attack/],
    [{ world: { attackers: { count: 6, attack: 'alie' } } }, /world\.attackers\.count/],
    [{ world: { clients: 5 } }, /window\.count\.min.*world\.clients/],
    [{ world: { partition: 'evenly' } }, /world\.partition/],
  ])('%j', (changes, message) => {
    expect(() => scenarioOf(changes)).toThrow(message)
  })

  test('a rule beyond its breakdown point', () => {
    expect(() => scenarioOf({ plan: { aggregation: { rule: { krum: { f: 3 } } } } })).toThrow(
      expect.objectContaining({ code: 'plan.infeasible' }),
    )
  })

  test('data that are not what the plan says, and data that are not there', async () => {
    const generated = { data: { generated: { blobs: { rows: 100, inputs: 5, classes: 2 } } } }
    await expect(run({ world: generated })).rejects.toThrow(/world\.data.*plan\.data/)
    const files = { data: { files: { csv: '/nowhere/data.csv' } } }
    await expect(run({ world: files })).rejects.toMatchObject({ code: 'data.not-found' })
  })
})
