/** A coordinator with rows of its own, as an operator starts it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess, LongCommand, parleyJson } from '../support/cli.ts'
import { planText } from '../support/plans.ts'

let folder: string
let coordinator: LongCommand
let remote: string[]
const path = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-holdout-cli-'))
  await writeFile(path('held.csv'), 'x0,x1,x2,y\n1,2,3,1\n3,2,1,0\n')
  const ports = ['--grpc-port', '0', '--http-port', '0']
  coordinator = new LongCommand('coordinator', '--home', path('home'), ...ports, '--holdout-data', path('held.csv'))
  const http = (await coordinator.event({ event: 'listening' })).http as string
  remote = ['--url', http, '--home', path('home')]
}, 60_000)

afterAll(async () => {
  await coordinator.end()
  await rm(folder, { recursive: true, force: true })
})

async function planFile(gates: string): Promise<string> {
  await writeFile(path('plan.yaml'), planText({ gates }))
  return path('plan.yaml')
}

describe('parley coordinator --holdout-data', () => {
  test('takes runs whose gates are decided on it', async () => {
    const plan = await planFile('[{ metric: accuracy, on: holdout, min: 0.5 }, { probe: change, max: 0.1 }]')
    expect(await parleyJson('run', 'start', plan, ...remote)).toMatchObject({ phase: 'waiting' })
  })

  test('does not do for rows with a trigger', async () => {
    const plan = await planFile('[{ probe: trigger, target: positive, max: 0.1 }]')
    const { stdout, stderr } = await inProcess('run', 'start', plan, ...remote, '--json')
    expect(stdout + stderr).toContain('plan.infeasible')
    expect(stdout + stderr).toContain('--trigger-data')
  })

  test.each([
    [['--trigger-data', 'x.csv'], '--trigger-data go with --holdout-data'],
    [['--holdout-labels', 'y.idx'], '--holdout-labels and --trigger-data go with --holdout-data'],
    [['--holdout-data', 'x.csv', '--trigger-labels', 'y.idx'], '--trigger-labels goes with --trigger-data'],
  ])('%j is not understood', async (args, message) => {
    const { code, stderr } = await inProcess('coordinator', '--home', path('other'), ...args)
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})
