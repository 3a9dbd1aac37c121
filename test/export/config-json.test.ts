import { describe, expect, test } from 'vitest'
import { initialModel } from '../../client/training/initial.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { configJson, readConfig } from '../../core/export/config-json.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { dataSchema } from '../../core/plan/data.ts'
import { cases, modelOf, tableData } from './models.ts'

describe('config.json', () => {
  test.each(cases)('of %s is enough to build the model without the plan', async (_, section, data) => {
    const exported = await modelOf(section, data)
    const file = configJson(exported)
    expect(file.name).toBe('config.json')
    const { name, model, data: inputs, layout } = readConfig(file.bytes)
    expect({ name, layout }).toEqual({ name: 'heart', layout: exported.layout })
    const rebuilt = await initialModel(model, dataSchema.parse({ ...inputs }), 1)
    expect(rebuilt.layout).toEqual(exported.layout)
    const { weights } = exported
    expect(tfjsLayersModel({ name, model, data: inputs, layout, weights })).toEqual(tfjsLayersModel(exported))
  })

  test('says what goes in and what comes out', async () => {
    const { bytes } = configJson(await modelOf({ logistic: {} }, tableData(2, 3)))
    const config = JSON.parse(fromUtf8(bytes))
    expect(config).toMatchObject({
      format: 'parley-config/1',
      model: 'heart',
      architecture: { logistic: { l2: 0 } },
      input: { shape: [2] },
      layout: [
        { name: 'dense_1/bias', shape: [3] },
        { name: 'dense_1/kernel', shape: [2, 3] },
      ],
      preprocessing: { csv: { delimiter: ',', standardise: false } },
      postprocessing: { activation: 'softmax', classes: [0, 1, 2] },
    })
    expect(config.split).toBeUndefined()
    expect(fromUtf8(bytes)).toBe(canonicalJson(config))
  })

  test.each<[string, path: string, value: unknown]>([
    ['has a key more', 'extra', 1],
    ['has a key more inside', 'preprocessing.csv.extra', 1],
    ['has no layout', 'layout', undefined],
    ['has another input than its data', 'input.shape', [3]],
    ['has another end than its data', 'postprocessing.activation', 'sigmoid'],
    ['is of another format', 'format', 'parley-config/2'],
    ['has two kinds of preprocessing', 'preprocessing.idx', {}],
  ])('that %s is refused', async (_, path, value) => {
    const config = JSON.parse(fromUtf8(configJson(await modelOf({ logistic: {} }, tableData(2, 3))).bytes))
    expect(readConfig(utf8(canonicalJson(config)))).toBeDefined()
    const keys = path.split('.')
    Object.assign(
      keys.slice(0, -1).reduce((part, key) => part[key], config),
      { [keys.at(-1)!]: value },
    )
    const failure = expect.objectContaining({ code: 'verify.failed' })
    expect(() => readConfig(utf8(canonicalJson(JSON.parse(JSON.stringify(config)))))).toThrow(failure)
  })

  test('that is not canonical, or no JSON, or too long, is refused', async () => {
    const { bytes } = configJson(await modelOf({ logistic: {} }, tableData(2)))
    const failure = expect.objectContaining({ code: 'verify.failed' })
    expect(() => readConfig(utf8(`${fromUtf8(bytes)}\n`))).toThrow(failure)
    expect(() => readConfig(bytes.subarray(1))).toThrow(failure)
    expect(() => readConfig(new Uint8Array(2 ** 24 + 1).fill(0x20))).toThrow('more than')
  })
})
