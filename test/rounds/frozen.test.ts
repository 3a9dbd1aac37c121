import { afterEach, describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { type BaseFiles, baseOf } from '../../core/import/base-model.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import { addingTrainer, Federation, storedWeights, tinyLayout } from '../support/federation.ts'
import { maskingOf } from '../support/masking.ts'
import { planText } from '../support/plans.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

let federation: Federation
afterEach(() => federation.stop())

/** The frozen bias is a zero with a sign: whatever is added to it shows. */
const files: BaseFiles = [{ name: 'base.safetensors', bytes: writeModel(tinyLayout(), Float32Array.of(-0, 1, 2, 3)) }]

function plan(count: number, extra: string, freeze = '[dense_1/bias]') {
  const start = `start: { file: base.safetensors, sha256: ${baseOf(nodeCrypto, files).sha256} }`
  return planText({ rounds: 2, count: { min: count, max: count }, extra: `${start}\n${extra}` }).replace(
    'training: {',
    `training: { freeze: ${freeze},`,
  )
}

/** Moves all weights but the bias, each a little differently. */
function careful(i: number) {
  return addingTrainer(0, {
    train: async ({ weights }) => ({
      weights: weights.map((weight, j) => (j === 0 ? weight : weight + 0.1 * (i + 1) + 0.01 * j)),
      samples: 10,
      loss: 0.5,
      steps: 1,
    }),
  })
}

async function federate(count: number): Promise<void> {
  const clients = names.slice(0, count)
  federation = new Federation({
    clients,
    baseFiles: async () => baseOf(nodeCrypto, files),
    rootUpdate: async () => Float32Array.of(0, 1, 1, 1),
  })
  await federation.coordinator.start()
}

async function lastWeights(text: string): Promise<number[]> {
  const { run } = await federation.coordinator.startRun(text)
  const view = await federation.view(run)
  expect(view.history.flatMap(({ refused }) => refused)).toEqual([])
  expect(view.outcome).toMatchObject({ kind: 'published' })
  expect(federation.fatal).toEqual([])
  return await storedWeights(federation.store, view.history.at(-1)!.weights!)
}

type Vector = { readonly digest: string }
type Aggregated = {
  readonly type: string
  readonly memory: { readonly optimizer: readonly Vector[] }
  readonly unmasked?: { readonly sums: readonly { readonly vector: Vector }[] }
}

/** What the rounds of the only run came to, from the journal. */
async function aggregated(): Promise<Aggregated[]> {
  const [run] = await federation.coordinator.runs()
  const entries = await federation.store.journal.read(run!.run)
  return entries.map((entry) => JSON.parse(entry) as Aggregated).filter(({ type }) => type === 'aggregated')
}

describe('what is frozen stays as it is', () => {
  const rules = [
    'mean',
    'median',
    '{ trimmed-mean: { f: 1 } }',
    '{ meamed: { f: 1 } }',
    'geometric-median',
    '{ multi-krum: { f: 1 } }',
    'centered-clipping',
    '{ caf: { f: 1 } }',
    'fltrust',
    'foolsgold',
    '{ signguard: { f: 1 } }',
  ]
  const aggregations = [
    ...rules.map((rule) => `{ rule: ${rule} }`),
    ...['fedavgm', '{ fedadagrad: { learningRate: 0.1 } }', '{ fedadam: { learningRate: 0.1 } }'].map(
      (server) => `{ server: ${server} }`,
    ),
    '{ server: { fedyogi: { learningRate: 0.1 } } }',
    '{ before: [nnm, { clip: { norm: 0.1 } }], rule: { trimmed-mean: { f: 1 } } }',
  ]
  test.each(aggregations)('with %s', async (aggregation) => {
    await federate(5)
    for (const [i, name] of names.slice(0, 5).entries()) federation.addClient(name, careful(i))
    const [bias, ...kernel] = await lastWeights(plan(5, `aggregation: ${aggregation}`))
    expect(Object.is(bias, -0)).toBe(true)
    for (const [j, weight] of kernel.entries()) expect(weight).toBeGreaterThan(j + 1)
  })

  test.each([
    ['of the coordinator', 'central'],
    ['of each client', 'local'],
  ])('with noise %s', async (_, kind) => {
    await federate(3)
    for (const [i, name] of names.slice(0, 3).entries()) federation.addClient(name, careful(i))
    const noise = `{ clip: { flat: { norm: 1 } }, noise: { ${kind}: { multiplier: 1 } } }`
    const [bias, ...kernel] = await lastWeights(plan(3, `privacy: ${noise}`))
    expect(Object.is(bias, -0)).toBe(true)
    // Without noise each would have moved by its own 0.02 more than the one before.
    expect(kernel[1]! - kernel[0]!).not.toBeCloseTo(1.02, 3)
  })

  test('and the server optimizer remembers nothing of it, nor of the noise that it would have had', async () => {
    await federate(3)
    for (const [i, name] of names.slice(0, 3).entries()) federation.addClient(name, careful(i))
    const noise = '{ clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } } }'
    await lastWeights(plan(3, `privacy: ${noise}\naggregation: { server: fedavgm }`))
    const [velocity] = (await aggregated()).at(-1)!.memory.optimizer
    const [frozen, ...others] = await storedWeights(federation.store, velocity!.digest)
    expect(frozen).toBe(0)
    expect(others.every((value) => value !== 0)).toBe(true)
  })

  test.each([
    ['one sum', '{ mode: masked }', 'mean'],
    ['sums of buckets', '{ mode: masked, buckets: { size: 2 } }', 'median'],
    [
      'noise that clients share',
      '{ mode: masked, clip: { adaptive: {} }, noise: { distributed: { multiplier: 1 } } }',
      'mean',
    ],
  ])('under masks, whatever single clients do: with %s', async (_, privacy, rule) => {
    await federate(8)
    for (const [i, name] of names.entries()) {
      federation.addClient(name, i === 0 ? addingTrainer(0.5) : careful(i), maskingOf(names))
    }
    const [bias, ...kernel] = await lastWeights(plan(8, `privacy: ${privacy}\naggregation: { rule: ${rule} }`))
    expect(Object.is(bias, -0)).toBe(true)
    expect(kernel.every((weight, j) => weight !== j + 1)).toBe(true)
    // The rule has not seen what became of it either.
    const vectors = (await aggregated()).flatMap(({ unmasked }) => unmasked!.sums.map(({ vector }) => vector.digest))
    expect(vectors.length).toBeGreaterThan(1)
    for (const digest of vectors) {
      const [frozen, ...others] = await storedWeights(federation.store, digest)
      expect(frozen).toBe(0)
      expect(others.every((value) => value !== 0)).toBe(true)
    }
  })
})

test('a coordinator that comes back knows what is frozen, and what the run has started from', async () => {
  await federate(2)
  const [a, b] = ['a', 'b'] as const
  const { run } = await federation.coordinator.startRun(plan(2, ''))
  await federation.coordinator.stop()
  // The base is no longer there: what it was is in the journal.
  const again = new Federation({ clients: [a, b], store: federation.store })
  federation = again
  await again.coordinator.start()
  expect((await again.coordinator.run(run)).start).toMatchObject({ file: 'base.safetensors' })
  again.addClient(a, careful(0))
  again.addClient(b, addingTrainer(1))
  while (!again.decided.some(({ client }) => client === b)) await again.next('decided')
  expect(again.decided.find(({ client }) => client === b)?.code).toBe('update.frozen-moved')
  await again.coordinator.stopRun(run, 'seen')
})

describe('of an update in several segments', () => {
  const layout = tinyLayout(600_000)
  const length = layoutLength(layout)

  /** Moves one weight. */
  const moving = (place: number) =>
    addingTrainer(0, {
      layout,
      train: async ({ weights }) => {
        const trained = weights.slice()
        trained[place] = 1
        return { weights: trained, samples: 10, loss: 0.5, steps: 1 }
      },
    })

  /** What the coordinator says of the update of `a`, which moves `place`. */
  async function decided(place: number, freeze: string, others: number): Promise<string | undefined> {
    federation = new Federation({ clients: ['a', 'b', 'c'], layout })
    await federation.coordinator.start()
    federation.addClient('a', moving(place))
    for (const name of ['b', 'c']) federation.addClient(name, moving(others))
    const text = planText({ rounds: 1, count: { min: 2, max: 3 } }).replace(
      'training: {',
      `training: { freeze: ${freeze},`,
    )
    const { run } = await federation.coordinator.startRun(text)
    while (!federation.decided.some(({ client }) => client === 'a')) await federation.next('decided')
    await federation.coordinator.stopRun(run, 'seen')
    return federation.decided.find(({ client }) => client === 'a')?.code
  }

  test.each([
    ['at its beginning', 1],
    ['in its second segment', 300_000],
    ['at its end', length - 1],
  ])('one that moves what is frozen is refused, wherever it does: %s', async (_, place) => {
    expect(await decided(place, '[dense_1/kernel]', 0)).toBe('update.frozen-moved')
  })

  test('a segment is not taken for another', async () => {
    expect(await decided(2 ** 18, '[dense_1/bias]', 1)).toBeUndefined()
  })
})
