import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { datasetFromCsv } from '../../client/data/load.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { logisticJson } from '../../core/export/logistic-json.ts'
import { type Data, dataSchema } from '../../core/plan/data.ts'
import { root } from '../support/source-files.ts'
import { examplesOf, farthest, imageData, modelOf, ownOutputs, tableData } from './models.ts'

/** The evaluator of docs/exports.md. */
const manual = readFileSync(join(root, 'docs/exports.md'), 'utf8')
const code = /```js\n(export function evaluate[\s\S]*?)```/.exec(manual)?.[1] ?? ''
const { evaluate } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
  evaluate: (model: unknown, x: ArrayLike<number>) => number[]
}

const read = (bytes: Uint8Array) => JSON.parse(fromUtf8(bytes))

describe('a logistic model as JSON', () => {
  test.each<[string, Data]>([
    ['a binary label', tableData(5)],
    ['classes', tableData(5, 4)],
    ['images', imageData(3, 4, 2)],
  ])('of %s gives what Parley’s engine gives, by the ten lines of the manual, without a library', async (_, data) => {
    const exported = await modelOf({ logistic: {} }, data)
    const model = read(logisticJson(exported).bytes)
    const { shape, values } = examplesOf(data)
    const width = values.length / shape[0]!
    const outputs = Array.from({ length: shape[0]! }, (_, row) =>
      evaluate(model, values.subarray(row * width, (row + 1) * width)),
    )
    expect(farthest(outputs.flat(), await ownOutputs(exported, data))).toBeLessThan(1e-6)
  })

  const mixed = dataSchema.parse({
    csv: {
      columns: [
        { name: 'sex', type: 'category', values: ['f', 'm'], dropFirst: true },
        { name: 'id', type: 'drop' },
        { name: 'died', type: 'label' },
        { name: 'age', type: 'number' },
        { name: 'ward', type: 'category', values: [1, 2, 3] },
      ],
      label: { positive: { values: ['yes'] } },
      standardise: true,
    },
  })

  test('names its inputs in the order of the plan’s columns, which is the order in which clients read them', async () => {
    const exported = await modelOf({ logistic: {} }, mixed)
    const model = read(logisticJson(exported).bytes)
    expect(model).toMatchObject({
      format: 'parley-logistic/1',
      model: 'heart',
      positive: { values: ['yes'] },
      standardise: 'per site',
    })
    expect(model.inputs).toEqual([
      { name: 'sex', category: 'm' },
      { name: 'age' },
      { name: 'ward', category: 1 },
      { name: 'ward', category: 2 },
      { name: 'ward', category: 3 },
    ])
    const unscaled = {
      csv: { ...('csv' in mixed ? mixed.csv : expect.fail()), standardise: false },
      split: mixed.split,
    }
    const rows = ['sex,id,died,age,ward', ...Array.from({ length: 9 }, (_, i) => `m,${i},${i % 2 ? 'yes' : 'no'},40,3`)]
    const { train } = datasetFromCsv(unscaled, rows.join('\n'))
    expect([...train.features.subarray(0, 5)]).toEqual([1, 40, 0, 0, 1])
  })

  test('says by which numbers of the plan its inputs are scaled', async () => {
    const csv = 'csv' in mixed ? mixed.csv : expect.fail()
    const standardise = { mean: 55, deviation: 10 }
    const columns = csv.columns.map((column) => (column.type === 'number' ? { ...column, standardise } : column))
    const given = { csv: { ...csv, standardise: false, columns }, split: mixed.split }
    const model = read(logisticJson(await modelOf({ logistic: {} }, given)).bytes)
    expect(model).toMatchObject({ standardise: 'given', scaling: [null, standardise, null, null, null] })
  })

  test('has the same bytes each time, and exactly the weights', async () => {
    const exported = await modelOf({ logistic: {} }, mixed)
    expect(logisticJson(exported)).toEqual(logisticJson({ ...exported, weights: exported.weights.slice() }))
    const { intercept, coefficients } = read(logisticJson(exported).bytes)
    expect(Float32Array.from([intercept, ...coefficients])).toEqual(exported.weights)
  })

  test('is of logistic models only, and of the layout that they have', async () => {
    const mlp = await modelOf({ mlp: { hidden: [2] } }, mixed)
    expect(() => logisticJson(mlp)).toThrow(expect.objectContaining({ code: 'engine.model-unsupported' }))
    const exported = await modelOf({ logistic: {} }, mixed)
    const layout = [{ name: 'dense_1/kernel', shape: [exported.weights.length] }]
    expect(() => logisticJson({ ...exported, layout })).toThrow(expect.objectContaining({ code: 'tensors.malformed' }))
  })
})
