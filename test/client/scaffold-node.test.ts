/** The client node's part in SCAFFOLD: what it keeps and when, which model files it takes, and where the CLI stores it. */
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileControlMemory } from '../../cli/control-memory.ts'
import type { Trainer, TrainRequest } from '../../client/training/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import type { UpdateHeader } from '../../core/run/update-header.ts'
import { withControl } from '../../core/tensors/control.ts'
import { type Layout, layoutBytes, layoutLength } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import { FakeCoordinator, planFile, refOf, taskOf } from '../support/fake-coordinator.ts'
import { countsOf, tinyLayout } from '../support/federation.ts'

const plain = tinyLayout()
const doubled = withControl(plain)
const fileOf = (layout: Layout, value = 0) => writeModel(layout, new Float32Array(layoutLength(layout)).fill(value))
const round = { layout: toHex(nodeCrypto.sha256(layoutBytes(doubled))), parameters: 8 }

let fake: FakeCoordinator
let asked: TrainRequest[]
let evaluated: number[]
let kept: number

const trainer = (changed: Partial<Trainer> = {}): Trainer => ({
  engine: 'fake',
  layout: doubled,
  train: async (request) => {
    asked.push(request)
    const accepted = async () => void kept++
    return { weights: request.weights.map((w) => w + 1), samples: 10, loss: 0, steps: 1, accepted }
  },
  evaluate: async (weights) => {
    evaluated.push(weights.length)
    return countsOf(10, 8)
  },
  dispose: () => {},
  ...changed,
})

beforeEach(() => {
  asked = []
  evaluated = []
  kept = 0
})
afterEach(() => fake?.stop())

/** Lets the client train on a task, and answers its update with a receipt. */
async function trainAndAnswer(one: Trainer, accepted: boolean): Promise<void> {
  fake = await FakeCoordinator.open({ trainer: async () => one })
  await fake.send(taskOf({ ...round, model: refOf(fileOf(doubled)) }))
  await fake.serve(planFile)
  await fake.serve(fileOf(doubled))
  const { header } = await fake.next('uploadOpen')
  const { sha256 } = JSON.parse(fromUtf8(header!.payload)) as UpdateHeader
  const refusal = accepted ? { code: '', message: '' } : { code: 'update.late', message: 'too late' }
  const digest = fromHex(sha256)!
  await fake.send({ type: 'receipt', run: 'run_1', round: 1, kind: 'train', digest, accepted, ...refusal })
  await fake.event('receipt')
}

describe('after training, the trainer', () => {
  test('is told when its update was accepted, and had been told of its run and model', async () => {
    await trainAndAnswer(trainer(), true)
    await fake.stop()
    expect(kept).toBe(1)
    expect(asked).toMatchObject([{ run: 'run_1', model: refOf(fileOf(doubled)).digest, seed: 1 }])
  })

  test('is not told when its update was refused', async () => {
    await trainAndAnswer(trainer(), false)
    await fake.stop()
    expect(kept).toBe(0)
  })

  test('that cannot keep anything is reported, and its update stands', async () => {
    const accepted = async () => {
      throw new Error('no space left')
    }
    const failing: Trainer['train'] = async (request) => ({ ...(await trainer().train(request)), accepted })
    await trainAndAnswer(trainer({ train: failing }), true)
    expect(await fake.event('not-kept')).toMatchObject({ run: 'run_1', round: 1, error: { message: 'no space left' } })
    expect(fake.sent()).not.toContain('decline')
  })

  test('has kept everything by the time the client has stopped', async () => {
    let done = false
    const accepted = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      done = true
    }
    const slow: Trainer['train'] = async (request) => ({ ...(await trainer().train(request)), accepted })
    await trainAndAnswer(trainer({ train: slow }), true)
    await fake.stop()
    expect(done).toBe(true)
  })
})

describe('a model file without control variates', () => {
  const task = (models: Uint8Array[]) => {
    const {
      model: _,
      mode,
      roundKey,
      ...rest
    } = JSON.parse(fromUtf8(taskOf(round).configuration!.payload)) as Record<string, unknown>
    expect([mode, typeof roundKey]).toEqual(['sealed', 'string'])
    const changed = { ...rest, kind: 'evaluate', models: models.map(refOf) }
    return taskOf({ ...changed, mode: undefined, roundKey: undefined, model: undefined })
  }

  test('is evaluated beside one that has them', async () => {
    fake = await FakeCoordinator.open({ trainer: async () => trainer() })
    await fake.send(task([fileOf(doubled), fileOf(plain)]))
    await fake.serve(planFile)
    await fake.serve(fileOf(doubled))
    await fake.serve(fileOf(plain))
    await fake.next('evaluation')
    expect(evaluated).toEqual([8, 4])
  })

  test('is not trained on', async () => {
    fake = await FakeCoordinator.open({ trainer: async () => trainer() })
    await fake.send(taskOf({ ...round, model: refOf(fileOf(plain)) }))
    await fake.serve(planFile)
    await fake.serve(fileOf(plain))
    expect((await fake.event('declined')).error.code).toBe('node.plan-refused')
    expect(asked).toEqual([])
  })

  test('is all there may be where the plan has none: a doubled one is declined', async () => {
    fake = await FakeCoordinator.open({ trainer: async () => trainer({ layout: plain }) })
    await fake.send(task([fileOf(doubled)]))
    await fake.serve(planFile)
    expect((await fake.event('declined')).error.code).toBe('node.plan-refused')
    expect(evaluated).toEqual([])
  })

  test('of another model of the same length is declined', async () => {
    const other = [{ name: 'other/kernel', shape: [4] }]
    fake = await FakeCoordinator.open({ trainer: async () => trainer() })
    await fake.send(task([fileOf(other)]))
    await fake.serve(planFile)
    await fake.serve(fileOf(other))
    expect((await fake.event('declined')).error.code).toBe('node.plan-refused')
    expect(evaluated).toEqual([])
  })
})

describe('controls in files', () => {
  let folder: string
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'parley-controls-')), 'controls')
  })
  afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }))

  const control = { model: 'ab'.repeat(32), before: Float32Array.of(1, -2.5), after: Float32Array.of(3e-30, 4) }

  test('come back as they were, to whoever opens the folder next', async () => {
    expect(await fileControlMemory(folder).load('run_1', 2)).toBeUndefined()
    await fileControlMemory(folder).save('run_1', control)
    expect(await fileControlMemory(folder).load('run_1', 2)).toEqual(control)
    const newer = { ...control, after: Float32Array.of(5, 6) }
    await fileControlMemory(folder).save('run_1', newer)
    expect(await fileControlMemory(folder).load('run_1', 2)).toEqual(newer)
    expect(await readdir(folder)).toEqual(['run_1.f32'])
  })

  test('are for their owner only', async () => {
    await fileControlMemory(folder).save('run_1', control)
    expect((await stat(join(folder, 'run_1.f32'))).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test.each([
    ['of another length', 3],
    ['of no length', 0],
  ])('%s are not there', async (_, length) => {
    await fileControlMemory(folder).save('run_1', control)
    expect(await fileControlMemory(folder).load('run_1', length)).toBeUndefined()
  })

  test('of the last four runs are kept, and nothing that a crash left half written', async () => {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'run_0.f32.0a0b0c0d.tmp'), 'half')
    const memory = fileControlMemory(folder)
    for (let number = 1; number <= 6; number++) {
      await memory.save(`run_${number}`, control)
      await utimes(join(folder, `run_${number}.f32`), number, number)
    }
    expect((await readdir(folder)).sort()).toEqual(['run_3.f32', 'run_4.f32', 'run_5.f32', 'run_6.f32'])
  })

  test('that cannot be read are an error, and not zero', async () => {
    await mkdir(join(folder, 'run_1.f32'), { recursive: true })
    await expect(fileControlMemory(folder).load('run_1', 2)).rejects.toMatchObject({ code: 'config.invalid' })
  })

  test('of a run whose id leads out of the folder are refused', async () => {
    await expect(fileControlMemory(folder).load('../run', 2)).rejects.toMatchObject({ code: 'internal' })
    await expect(fileControlMemory(folder).save('../run', control)).rejects.toMatchObject({ code: 'internal' })
  })
})
