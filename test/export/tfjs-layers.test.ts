import { beforeAll, describe, expect, test } from 'vitest'
import { loadEngine } from '../../client/training/tfjs/load.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { tfjsLayersModel, tfjsTensorNames } from '../../core/export/tfjs-layers.ts'
import { cases, examplesOf, farthest, modelOf, ownOutputs, tableData } from './models.ts'
import { stockOutputs } from './stock.ts'

// Keeps the cpu backend from its banner.
beforeAll(async () => void (await loadEngine('tfjs-cpu')))

describe('a TF.js layers model', () => {
  test.each(cases)('of %s gives what Parley’s engine gives', async (_, model, data) => {
    const exported = await modelOf(model, data)
    const { shape, values } = examplesOf(data)
    const expected = await ownOutputs(exported, data)
    const stock = await stockOutputs(tfjsLayersModel(exported), shape, values)
    expect(stock.shape).toEqual([shape[0], expected.length / shape[0]!])
    expect(farthest(stock.values, expected)).toBeLessThan(1e-6)
    // Not all alike, and probabilities.
    expect(new Set(expected).size).toBeGreaterThan(shape[0]! - 1)
    expect(Math.max(...expected)).toBeLessThan(1)
  })

  test('has the same bytes each time, and says what made it', async () => {
    const exported = await modelOf({ mlp: { hidden: [3] } }, tableData(2))
    const [model, weights] = tfjsLayersModel(exported)
    expect([model!.name, weights!.name]).toEqual(['model.json', 'weights.bin'])
    expect(tfjsLayersModel({ ...exported, weights: exported.weights.slice() })).toEqual([model, weights])
    expect(JSON.parse(fromUtf8(model!.bytes))).toMatchObject({
      format: 'layers-model',
      generatedBy: 'parley',
      convertedBy: null,
      weightsManifest: [
        { paths: ['weights.bin'], weights: [{ name: 'dense_1/bias', dtype: 'float32', shape: [3] }, {}, {}, {}] },
      ],
    })
    expect(new Float32Array(weights!.bytes.slice().buffer)).toEqual(exported.weights)
  })

  test('of a graph has the names of its own layers, numbered as TF.js orders them', async () => {
    const [, model, data] = cases.at(-1)!
    const exported = await modelOf(model, data)
    const kernels = [...tfjsTensorNames(exported)].filter(([name]) => name.endsWith('kernel'))
    expect(Object.fromEntries(kernels)).toEqual({
      'dense_1/kernel': 'long/kernel',
      'dense_2/kernel': 'longer/kernel',
      'dense_3/kernel': 'short/kernel',
      'dense_4/kernel': 'shared/kernel',
      'dense_5/kernel': 'left/kernel',
      'dense_6/kernel': 'right/kernel',
    })
  })

  const groups = { class_name: 'GroupNormalization', config: { groups: 1, batch_input_shape: [null, 2] } }

  test('is refused where weights, layout and model do not go together', async () => {
    const exported = await modelOf({ logistic: {} }, tableData(2))
    const malformed = expect.objectContaining({ code: 'tensors.malformed' })
    expect(() => tfjsLayersModel({ ...exported, weights: new Float32Array(2) })).toThrow(malformed)
    expect(() => tfjsLayersModel({ ...exported, weights: new Float32Array(3).fill(Number.NaN) })).toThrow(malformed)
    const layout = [{ name: 'gru_1/kernel', shape: [3] }]
    const normalized = {
      layers: { class_name: 'Sequential', config: { layers: [groups, { class_name: 'Dense', config: { units: 1 } }] } },
    }
    const unsupported = expect.objectContaining({ code: 'engine.model-unsupported' })
    const ours = await modelOf(normalized, tableData(2))
    expect(() => tfjsLayersModel(ours)).toThrow(unsupported)
    const given = await modelOf(cases[8]![1], cases[8]![2])
    expect(() => tfjsTensorNames({ ...given, layout })).toThrow('no layer for the tensor "gru_1/kernel"')
  })
})
