/** Runs that start from a model in a file, as an operator and as a researcher start them. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { startingModel } from '../../client/training/initial.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { checkPlan } from '../../core/plan/parse.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import { scenario } from '../sim/sweep-input.ts'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

let folder: string
let coordinator: LongCommand
let http: string
const digests: Record<string, string> = {}

const path = (name: string) => join(folder, name)
const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-start-'))
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as object
  const plan = checkPlan({ ...example, model: { mlp: { hidden: [3] } } })
  const { layout, weights } = await startingModel(plan)
  const safetensors = writeModel(layout, weights)
  const [model, data] = tfjsLayersModel({ ...plan, layout, weights }).map(({ bytes }) => bytes)
  await writeFile(path('base.safetensors'), safetensors)
  await writeFile(path('model.json'), model!)
  await writeFile(path('weights.bin'), data!)
  digests.safetensors = sha256(safetensors)
  digests.tfjs = sha256(model!, data!)
  const bases = ['--base', path('base.safetensors'), '--base', path('model.json')]
  coordinator = new LongCommand('coordinator', '--home', path('home'), '--grpc-port', '0', '--http-port', '0', ...bases)
  http = (await coordinator.event({ event: 'listening' })).http as string
}, 60_000)

afterAll(async () => {
  await coordinator.end()
  await rm(folder, { recursive: true, force: true })
})

async function planFile(start: object, freeze?: string[]): Promise<string> {
  const example = parse(await readFile(join(root, 'examples/heart/plan.yaml'), 'utf8')) as { training: object }
  const training = { ...example.training, ...(freeze === undefined ? {} : { freeze }) }
  await writeFile(path('plan.yaml'), stringify({ ...example, model: { mlp: { hidden: [3] } }, training, start }))
  return path('plan.yaml')
}

const start = async (section: object) => [
  'run',
  'start',
  await planFile(section),
  '--url',
  http,
  '--home',
  path('home'),
]

describe('parley coordinator --base', () => {
  test.each([
    ['base.safetensors', 'safetensors'],
    ['model.json', 'tfjs'],
  ])('lets a plan start from %s', async (file, kind) => {
    const section = { file, sha256: digests[kind]! }
    const view = await parleyJson<{ start: object }>(...(await start(section)))
    expect(view.start).toEqual({ sha256: digests[kind], file })
  })

  test('gives no other file, and none that has another digest', async () => {
    const other = await inProcess(...(await start({ file: 'plan.yaml', sha256: digests.safetensors! })), '--json')
    expect(other.code).toBe(4)
    expect(other.stdout + other.stderr).toContain('object.not-found')
    const wrong = await inProcess(...(await start({ file: 'base.safetensors', sha256: digests.tfjs! })), '--json')
    expect(wrong.code).toBe(6)
    expect(wrong.stdout + wrong.stderr).toContain('verify.failed')
  })

  test('does not take two files of one name', async () => {
    const args = ['--base', path('base.safetensors'), '--base', path('a/base.safetensors')]
    const { code, stderr } = await inProcess('coordinator', '--home', path('other'), ...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining('two files are called base.safetensors')])
  })
})

describe('parley plan check', () => {
  test('says what a run starts from, and how much of it is frozen', async () => {
    const file = await planFile({ version: 'heart@production' }, ['dense_1'])
    const { stdout } = await inProcess('plan', 'check', file)
    expect(stdout).toMatch(/\d+ parameters, \d+ of them frozen/)
    expect(stdout).toContain('starts from heart@production')
    const { frozen, parameters } = await parleyJson<{ frozen: number; parameters: number }>('plan', 'check', file)
    // The last layer has three weights and a bias.
    expect(parameters - frozen).toBe(4)
  })
})

describe('parley sim run --base', () => {
  const simulated = async (section: object | undefined, ...args: string[]) => {
    const { plan, ...rest } = scenario as { plan: object }
    await writeFile(
      path('scenario.yaml'),
      stringify({ ...rest, plan: { ...plan, ...(section === undefined ? {} : { start: section }) } }),
    )
    return await inProcess(
      'sim',
      'run',
      path('scenario.yaml'),
      '--out',
      path('out'),
      '--workers',
      '0',
      '--json',
      ...args,
    )
  }

  test('starts from it', async () => {
    const plan = checkPlan((scenario as { plan: unknown }).plan)
    const { layout, weights } = await startingModel({ ...plan, seed: 31 })
    const file = writeModel(layout, weights)
    await writeFile(path('small.safetensors'), file)
    const section = { file: 'small.safetensors', sha256: sha256(file) }
    expect(await simulated(section, '--base', path('small.safetensors'))).toMatchObject({ code: 0, stderr: '' })
    const without = await simulated(section)
    expect(without.code).toBe(2)
    expect(without.stdout + without.stderr).toContain('--base')
    const unreadable = await simulated(section, '--base', path('none.safetensors'))
    expect(unreadable.code).toBe(2)
    expect(unreadable.stdout + unreadable.stderr).toContain('none.safetensors cannot be read')
  })
})
