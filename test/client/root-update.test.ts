import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadDataset } from '../../client/data/load.ts'
import { initialModel } from '../../client/training/initial.ts'
import { rootUpdater } from '../../client/training/root-update.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { randomOf } from '../../core/random/random.ts'
import { planOf } from '../support/plans.ts'
import { anyRound } from './training-fixtures.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-root-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a coordinator’s own update is what a client with the same rows would send', async () => {
  const csv = join(folder, 'root.csv')
  const random = randomOf(1, 'rows')
  const rows = Array.from({ length: 40 }, () => {
    const [a, b, c] = [random.normal(), random.normal(), random.normal()]
    return `${a},${b},${c},${a + b > 0 ? 1 : 0}`
  })
  await writeFile(csv, `x0,x1,x2,y\n${rows.join('\n')}\n`)
  const plan = planOf()
  const { weights } = await initialModel(plan.model, plan.data, 1)
  const update = await rootUpdater({ csv })(plan, 3, weights)
  const dataset = await loadDataset(plan.data, { csv })
  const trainer = await createTrainer({ model: plan.model, dataset, training: plan.training })
  const trained = await trainer.train({ ...anyRound, weights, seed: 3 })
  expect(update).toEqual(trained.weights.map((value, j) => value - weights[j]!))
  expect(update.some((value) => value !== 0)).toBe(true)
  trainer.dispose()
})

test('data that are not there are named as such', async () => {
  const plan = planOf()
  const update = rootUpdater({ csv: join(folder, 'none.csv') })(plan, 1, new Float32Array(4))
  await expect(update).rejects.toMatchObject({ code: 'data.not-found' })
})
