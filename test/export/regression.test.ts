import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { configJson, readConfig } from '../../core/export/config-json.ts'
import { linearJson } from '../../core/export/linear-json.ts'
import { logisticJson } from '../../core/export/logistic-json.ts'
import { tfjsLayersModel, tfjsTensorNames } from '../../core/export/tfjs-layers.ts'
import { root } from '../support/source-files.ts'
import { examplesOf, modelOf, numericData, ownOutputs } from './models.ts'
import { stockOutputs } from './stock.ts'

// Keeps the cpu backend from its banner.
beforeAll(async () => void (await loadEngine('tfjs-cpu')))

const dense = (name: string, config: object) => ({ class_name: 'Dense', config: { name, ...config } })
const sequence = {
  layers: {
    class_name: 'Sequential',
    config: {
      name: 'given',
      layers: [
        dense('hidden', { units: 3, activation: 'tanh', batch_input_shape: [null, 4] }),
        dense('prediction', { units: 1 }),
      ],
    },
  },
}
const graph = {
  layers: {
    class_name: 'Functional',
    config: {
      name: 'graph',
      layers: [
        { class_name: 'InputLayer', name: 'x', config: { name: 'x', batch_input_shape: [null, 4] }, inbound_nodes: [] },
        { ...dense('end', { units: 1 }), name: 'end', inbound_nodes: [[['x', 0, 0, {}]]] },
      ],
      input_layers: [['x', 0, 0]],
      output_layers: [['end', 0, 0]],
    },
  },
}
const cases = [
  ['a linear model', { linear: {} }],
  ['an mlp', { mlp: { hidden: [5] } }],
  ['a sequence whose last layer has the name that is added', sequence],
  ['a graph', graph],
] as const

const data = numericData(4)

describe('a model of a numeric label', () => {
  test.each(cases)('as TF.js layers, %s gives numbers in the unit of the label', async (_, section) => {
    const exported = await modelOf(section, data)
    const { shape, values } = examplesOf(data)
    const stock = await stockOutputs(tfjsLayersModel(exported), shape, values)
    const expected = await ownOutputs(exported, data)
    expect(stock.shape).toEqual([shape[0], 1])
    expect(Math.max(...expected.map((value, i) => Math.abs(stock.values[i]! - value)))).toBeLessThan(1e-4)
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(2)
    // What is added has no weights: what starts from this file finds all of its own.
    expect(new Set(tfjsTensorNames(exported).values()).size).toBe(exported.layout.length)
  })

  test('says its range in config.json, and is read back', async () => {
    const exported = await modelOf({ linear: { l2: 0.1 } }, data)
    const { bytes } = configJson(exported)
    const config = JSON.parse(fromUtf8(bytes))
    expect(config.postprocessing).toEqual({ activation: 'linear', numeric: { min: -20, max: 60 } })
    expect(readConfig(bytes)).toMatchObject({ model: { linear: { l2: 0.1 } }, layout: exported.layout })
    const other = { ...config, postprocessing: { activation: 'linear', numeric: { min: -20, max: 61 } } }
    expect(() => readConfig(utf8(canonicalJson(other)))).toThrow(expect.objectContaining({ code: 'verify.failed' }))
  })

  const manual = readFileSync(join(root, 'docs/exports.md'), 'utf8')
  const code = /```js\n(export function predict[\s\S]*?)```/.exec(manual)?.[1] ?? ''

  test('as JSON gives what Parley’s engine gives, by the lines of the manual', async () => {
    const { predict } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      predict: (model: unknown, x: ArrayLike<number>) => number
    }
    const exported = await modelOf({ linear: {} }, data)
    const file = linearJson(exported)
    expect(file.name).toBe('linear.json')
    const model = JSON.parse(fromUtf8(file.bytes))
    const { shape, values } = examplesOf(data)
    const expected = await ownOutputs(exported, data)
    expected.forEach((value, row) => {
      const own = predict(
        model,
        values.subarray((row * values.length) / shape[0]!, ((row + 1) * values.length) / shape[0]!),
      )
      expect(own).toBeCloseTo(Math.min(60, Math.max(-20, value)), 4)
    })
  })

  test('as JSON is only of linear models, and logistic.json of none', async () => {
    const unsupported = expect.objectContaining({ code: 'engine.model-unsupported' })
    const linear = await modelOf({ linear: {} }, data)
    expect(() => logisticJson(linear)).toThrow(unsupported)
    const mlp = await modelOf({ mlp: { hidden: [2] } }, data)
    expect(() => linearJson(mlp)).toThrow(unsupported)
    expect(() => linearJson({ ...linear, weights: new Float32Array(2) })).toThrow(
      expect.objectContaining({ code: 'tensors.malformed' }),
    )
  })
})
