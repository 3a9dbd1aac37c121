/** Runs that start from a model that is there already, and runs of which a part stays as it is; over real carriers. */
import { afterEach, describe, expect, test } from 'vitest'
import { startingModel } from '../../client/training/initial.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { type BaseFiles, baseOf } from '../../core/import/base-model.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'
import { readModel, writeModel } from '../../core/tensors/safetensors.ts'
import type { FindBase } from '../../server/rounds/starting-model.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { randomDataset } from '../client/training-fixtures.ts'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient, upload } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

let started: Started
let store: Store
afterEach(() => started.stop())

type PlanParts = { model?: string; freeze?: string; start?: string; training?: string; extra?: string; max?: number }

/** An mlp of two hidden layers, unless it is another model. */
function text({ model = '{ mlp: { hidden: [4, 3] } }', freeze, start, training, extra = '', max = 2 }: PlanParts = {}) {
  const options = training ?? 'optimizer: { sgd: { learningRate: 0.5 } }'
  const frozen = freeze === undefined ? '' : `, freeze: ${freeze}`
  return planText({
    rounds: 2,
    count: { min: 2, max },
    extra: `${start === undefined ? '' : `start: ${start}`}\n${extra}`,
    ...(max === 2 ? {} : { time: { min: '20s' } }),
  })
    .replace('model: { logistic: {} }', `model: ${model}`)
    .replace(/^training: .*$/m, `training: { epochs: 1, batch: 4, ${options}${frozen} }`)
}

/** Two honest clients, one on each carrier, on data of their own. */
async function federate(baseFiles?: FindBase): Promise<void> {
  store = memoryStore()
  started = await Started.create({
    store,
    initialModel: startingModel,
    ...(baseFiles === undefined ? {} : { baseFiles }),
  })
  const carriers = { b: 'grpc', c: 'ws' } as const
  for (const [i, name] of (['b', 'c'] as const).entries()) {
    const trainer = (plan: Plan) =>
      createTrainer({ model: plan.model, dataset: randomDataset(20, [3], 1, i), training: plan.training })
    started.addClient(name, carriers[name], addingTrainer(0), { trainer })
  }
}

async function finished(plan: string) {
  const { run } = await started.running.api.startRun(plan)
  const view = await started.view(run)
  expect(view.outcome).toMatchObject({ kind: 'published' })
  return view
}

async function versionOf(number: number): Promise<{ digest: string; tensors: Map<string, Uint8Array> }> {
  const { weights: digest } = (await store.records.version('tiny', number))!
  const bytes = await store.blobs.read(digest, 0, (await store.blobs.size(digest))!)
  return { digest, tensors: tensorsOf(bytes) }
}

function tensorsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const { layout, values } = readModel(bytes)
  return new Map(
    Array.from(tensorsIn(layout), ({ tensor, offset, length }) => [
      tensor.name,
      new Uint8Array(values.slice(offset, offset + length).buffer),
    ]),
  )
}

/** What the coordinator has signed of a version. */
async function manifestOf(number: number): Promise<Record<string, unknown>> {
  const { envelope } = (await store.records.version('tiny', number))!
  const { payload } = JSON.parse(envelope) as { payload: string }
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as Record<string, unknown>
}

/** A model file of the plan, with a zero that has a sign. */
async function madeBase(plan: string): Promise<BaseFiles> {
  const { layout, weights } = await startingModel({ ...parsePlan(plan), seed: 77 })
  weights[0] = -0
  return [{ name: 'base.safetensors', bytes: writeModel(layout, weights) }]
}

const fileStart = (files: BaseFiles, more = '') =>
  `{ file: ${files[0].name}, sha256: ${baseOf(nodeCrypto, files).sha256}${more} }`

describe('a run that starts from a published version', () => {
  test('and trains the last layer alone leaves the bytes of the others in the next version', async () => {
    await federate()
    await finished(text())
    const view = await finished(text({ start: '{ version: tiny@production }', freeze: '[dense_1, dense_2]' }))
    const [first, second] = [await versionOf(1), await versionOf(2)]
    expect(view.start).toEqual({
      sha256: first.digest,
      version: { model: 'tiny', number: 1, alias: 'production' },
    })
    for (const [name, bytes] of first.tensors) {
      if (name.startsWith('dense_3/')) expect(second.tensors.get(name), name).not.toEqual(bytes)
      else expect(second.tensors.get(name), name).toEqual(bytes)
    }
    expect(await manifestOf(2)).toMatchObject({ number: 2, parent: 1, base: first.digest })
    // Nothing of it is left to chance: the version by its number is the same, though the alias has moved on.
    const again = await finished(text({ start: `{ version: tiny/1, sha256: ${first.digest} }`, freeze: '[dense_1]' }))
    expect(again.start).toEqual({ sha256: first.digest, version: { model: 'tiny', number: 1 } })
    expect((await versionOf(3)).tensors.get('dense_1/kernel')).toEqual(first.tensors.get('dense_1/kernel'))
  })

  test('may train with SCAFFOLD, whose controls of what is frozen stay zero', async () => {
    await federate()
    await finished(text())
    const scaffold = 'optimizer: { sgd: { learningRate: 0.5 } }, scaffold: {}'
    const plan = text({ start: '{ version: tiny/1 }', freeze: '[dense_1]', training: scaffold })
    const { history } = await finished(plan)
    const last = history.at(-1)!.weights!
    const file = tensorsOf(await store.blobs.read(last, 0, (await store.blobs.size(last))!))
    const first = await versionOf(1)
    expect(file.get('dense_1/kernel')).toEqual(first.tensors.get('dense_1/kernel'))
    expect(file.get('~control/dense_1/kernel')).toEqual(new Uint8Array(48))
    expect(file.get('~control/dense_3/kernel')).not.toEqual(new Uint8Array(12))
    expect(await manifestOf(2)).toMatchObject({ parent: 1, base: first.digest })
  })

  test('can be computed again to the same bytes', async () => {
    await federate()
    await finished(text())
    const { run } = await finished(text({ start: '{ version: tiny/1 }', freeze: '[dense_2]' }))
    expect(await started.running.api.recompute(run, 2, {})).toMatchObject({ identical: true })
  })
})

describe('a run that starts from a file', () => {
  test('of safetensors has its bytes, to the sign of a zero', async () => {
    const files = await madeBase(text())
    await federate(async (start) =>
      'file' in start && start.file === files[0].name ? baseOf(nodeCrypto, files) : undefined,
    )
    const view = await finished(text({ start: fileStart(files), freeze: '[dense_1]' }))
    expect(view.start).toEqual({ sha256: baseOf(nodeCrypto, files).sha256, file: 'base.safetensors' })
    const { tensors } = await versionOf(1)
    const base = tensorsOf(files[0].bytes)
    for (const name of ['dense_1/bias', 'dense_1/kernel']) expect(tensors.get(name)).toEqual(base.get(name))
    expect(new DataView(tensors.get('dense_1/bias')!.buffer).getUint32(0, true)).toBe(0x8000_0000)
    expect(tensors.get('dense_2/kernel')).not.toEqual(base.get('dense_2/kernel'))
    expect(await manifestOf(1)).toMatchObject({ parent: null })
  })

  test('of TF.js layers under other names has its weights', async () => {
    const plan = parsePlan(text())
    const { layout, weights } = await startingModel({ ...plan, seed: 5 })
    const exported = tfjsLayersModel({ name: plan.name, model: plan.model, data: plan.data, layout, weights })
    const [model, data] = exported as [(typeof exported)[0], (typeof exported)[0]]
    const renamed = {
      name: 'model.json',
      bytes: Buffer.from(Buffer.from(model.bytes).toString().replaceAll('dense_2/', 'middle/')),
    }
    const files: BaseFiles = [renamed, data]
    await federate(async () => baseOf(nodeCrypto, files))
    const rename = ', rename: { middle/kernel: dense_2/kernel, middle/bias: dense_2/bias }'
    await finished(text({ start: fileStart(files, rename), freeze: '[dense_2]' }))
    const base = tensorsOf(writeModel(layout, weights))
    expect((await versionOf(1)).tensors.get('dense_2/kernel')).toEqual(base.get('dense_2/kernel'))
  })
})

describe('a run does not start', () => {
  const refused = async (plan: string, code: string, message: string) => {
    await expect(started.running.api.startRun(plan)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
    expect(await started.running.api.runs()).toEqual([])
  }

  test('from a version that is not there', async () => {
    await federate()
    await refused(
      text({ start: '{ version: tiny/3 }' }),
      'object.not-found',
      'no version 3 of tiny: there is no model tiny',
    )
    await refused(
      text({ start: '{ version: tiny@production }' }),
      'object.not-found',
      'tiny has no version with the alias production',
    )
  })

  test('from a file that is not there, or is another one, or no model', async () => {
    const files = await madeBase(text())
    const broken: BaseFiles = [{ name: 'base.safetensors', bytes: files[0].bytes.subarray(0, 90) }]
    let given: BaseFiles | undefined
    await federate(async () => (given === undefined ? undefined : baseOf(nodeCrypto, given)))
    await refused(
      text({ start: fileStart(files) }),
      'object.not-found',
      'the file base.safetensors, which this coordinator was not given',
    )
    given = files
    const other = `{ file: base.safetensors, sha256: ${'ab'.repeat(32)} }`
    await refused(text({ start: other }), 'verify.failed', `${baseOf(nodeCrypto, files).sha256}, not abab`)
    given = broken
    await refused(text({ start: fileStart(broken) }), 'tensors.malformed', 'the file base.safetensors: ')
  })

  test('from a model of another layout', async () => {
    const files = await madeBase(text({ model: '{ mlp: { hidden: [4, 2] } }' }))
    await federate(async () => baseOf(nodeCrypto, files))
    await refused(
      text({ start: fileStart(files) }),
      'tensors.mismatch',
      'the file base.safetensors: "dense_2/bias" is [2], and the plan’s model has [3]',
    )
  })

  test('with a version that is not what the plan says, or of another model', async () => {
    await federate()
    await finished(text())
    const start = (plan: string) => started.running.api.startRun(plan)
    await expect(start(text({ start: `{ version: tiny/1, sha256: ${'ab'.repeat(32)} }` }))).rejects.toMatchObject({
      code: 'verify.failed',
    })
    await expect(start(text({ start: '{ version: tiny/2 }' }))).rejects.toMatchObject({
      message: expect.stringContaining('the newest is 1'),
    })
    const larger = text({ model: '{ logistic: {} }', start: '{ version: tiny/1 }' }).replace(
      'name: tiny',
      'name: other',
    )
    await expect(start(larger)).rejects.toMatchObject({ code: 'tensors.mismatch' })
  })

  test('from a version that was withdrawn', async () => {
    await federate()
    await finished(text())
    const said = { model: 'tiny', number: 1, reason: 'a site left', actor: 'operator', at: '2026-01-01T00:00:00.000Z' }
    const start = () => started.running.api.startRun(text({ start: '{ version: tiny@production }' }))
    await store.records.setVersionState({ ...said, state: 'withdrawn' })
    await expect(start()).rejects.toMatchObject({
      code: 'version.withdrawn',
      message: 'version 1 of tiny was withdrawn: no run starts from it',
    })
    await store.records.setVersionState({ ...said, state: 'in-use' })
    expect((await start()).start?.version?.number).toBe(1)
  })

  test('where nothing is left to train, or what is to be frozen is not there', async () => {
    await federate()
    await refused(text({ freeze: '[dense_1, dense_2, dense_3]' }), 'plan.invalid', 'nothing is left to train')
    await refused(text({ freeze: '[dense_4]' }), 'plan.invalid', 'did you mean "dense_1"?')
    const layers = JSON.stringify({
      class_name: 'Sequential',
      config: { layers: [{ class_name: 'Dense', config: { units: 1, batch_input_shape: [null, 3] } }] },
    })
    await refused(
      text({ model: `{ layers: ${layers} }`, freeze: '[dens_1]' }),
      'plan.invalid',
      'did you mean "dense_1"?',
    )
    await refused(text({ model: `{ layers: ${layers} }`, freeze: '[dense_1]' }), 'plan.invalid', 'nothing is left')
  })
})

describe.each(['grpc', 'ws'] as const)('over %s, a client that lies', (carrier) => {
  test('and moves what is frozen is refused by name, by whatever little it moves it', async () => {
    await federate()
    const attacker = await RawClient.open(started.url(carrier), 'a')
    const plan = text({ freeze: '[dense_1, dense_2]', max: 3 }).replace('rounds: 2', 'rounds: 1')
    const { run } = await started.running.api.startRun(plan)
    const task = await attacker.task()
    const { layout } = await startingModel(parsePlan(plan))
    const places = [...tensorsIn(layout)]
    const moving = (tensor: string, value: number, index = 0) => {
      const delta = new Float32Array(places.reduce((sum, { length }) => sum + length, 0))
      delta[places.find((place) => place.tensor.name === tensor)!.offset + index] = value
      return delta
    }
    // Three refusals would leave it out of the round.
    for (const delta of [moving('dense_1/bias', 1e-45), moving('dense_2/kernel', -1, 11)]) {
      const receipt = await upload(attacker, forgeUpdate(task, 'a', delta))
      expect(receipt).toMatchObject({ accepted: false, code: 'update.frozen-moved' })
    }
    const receipt = await upload(attacker, forgeUpdate(task, 'a', moving('dense_3/kernel', 0.5)))
    expect(receipt.accepted).toBe(true)
    await attacker.task('evaluate')
    const decline = { type: 'decline', run, round: 1, code: 'client.training-failed', message: '' } as const
    await attacker.send({ ...decline, kind: 'evaluate' })
    const view = await started.view(run)
    attacker.close()
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]?.accepted).toEqual(['a', 'b', 'c'])
    expect(view.history[0]?.refused).toEqual([
      { client: 'a', code: 'update.frozen-moved', message: 'the update moves dense_1/bias, which the plan freezes' },
      { client: 'a', code: 'update.frozen-moved', message: 'the update moves dense_2/kernel, which the plan freezes' },
    ])
  })
})
