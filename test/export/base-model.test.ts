import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { bytesView, concatBytes, utf8 } from '../../core/encoding/bytes.ts'
import type { ModelFile } from '../../core/export/exported.ts'
import { tfjsLayersModel, tfjsTensorNames } from '../../core/export/tfjs-layers.ts'
import { type BaseFiles, baseOf, filesBeside, readBaseModel } from '../../core/import/base-model.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { cases, modelOf, tableData } from './models.ts'

const exported = await modelOf({ mlp: { hidden: [3] } }, tableData(2))
const { layout, weights } = exported
const file = (name: string, bytes: Uint8Array): ModelFile => ({ name, bytes })

const safetensors = (of = layout, values = weights): BaseFiles => [file('base.safetensors', writeModel(of, values))]

/** A safetensors file with a header that nobody checked. */
function rawSafetensors(header: object, data: Uint8Array): BaseFiles {
  const json = utf8(JSON.stringify(header))
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true)
  return [file('base.safetensors', concatBytes(length, json, data))]
}

type Spec = { name: string; shape: readonly number[]; dtype?: string; quantization?: object }
type Group = { paths: string[]; weights: Spec[] }

const specs: Spec[] = layout.map(({ name, shape }) => ({ name, shape, dtype: 'float32' }))

/** A TF.js layers model: groups of tensors, and the files that they name. */
function tfjs(groups: Group[], files: ModelFile[], more: object = {}): BaseFiles {
  const json = { format: 'layers-model', modelTopology: {}, weightsManifest: groups, ...more }
  return [file('model.json', utf8(JSON.stringify(json))), ...files]
}

/** All weights in one file. */
const whole = (of: Spec[] = specs, values = weights): BaseFiles =>
  tfjs([{ paths: ['w.bin'], weights: of }], [file('w.bin', bytesView(values).slice())])

const read = (files: BaseFiles, rename?: Record<string, string>, limits = defaultLimits) =>
  readBaseModel(files, { layout, rename }, limits)

describe('a base model', () => {
  test('in safetensors is the flat vector', () => {
    expect(read(safetensors())).toEqual(weights)
    expect(filesBeside(safetensors()[0])).toEqual([])
  })

  test('in safetensors may have its tensors in another order than Parley', () => {
    const data = bytesView(weights)
    let end = data.length
    const header = Object.fromEntries(
      layout.map(({ name, shape }) => {
        const length = 4 * shape.reduce((a, b) => a * b, 1)
        end -= length
        return [name, { dtype: 'F32', shape, data_offsets: [end, end + length] }]
      }),
    )
    let at = 0
    const turned = new Uint8Array(data.length)
    for (const { shape } of layout) {
      const length = 4 * shape.reduce((a, b) => a * b, 1)
      turned.set(data.subarray(at, at + length), data.length - at - length)
      at += length
    }
    expect(read(rawSafetensors(header, turned))).toEqual(weights)
  })

  test('in TF.js layers, as Parley exports it, is the flat vector', () => {
    const [model, data] = tfjsLayersModel(exported)
    expect(filesBeside(model!)).toEqual(['weights.bin'])
    expect(read([model!, data!])).toEqual(weights)
  })

  test('in TF.js layers may be in groups of several files, which cut through tensors', () => {
    const bytes = bytesView(weights)
    const [first, second] = [specs.slice(0, 2), specs.slice(2)]
    const cut = 4 * 9
    const files = [
      file('b', bytes.slice(cut, cut + 3)),
      file('c', bytes.slice(cut + 3)),
      file('a2', bytes.slice(5, cut)),
      file('a1', bytes.slice(0, 5)),
    ]
    const groups = [
      { paths: ['a1', 'a2'], weights: first },
      { paths: ['b', 'c'], weights: second },
    ]
    expect(read(tfjs(groups, files))).toEqual(weights)
    expect(filesBeside(tfjs(groups, files)[0])).toEqual(['a1', 'a2', 'b', 'c'])
  })

  test('of a topology with names of its own is read by a map of names', async () => {
    const graph = await modelOf(cases.at(-1)![1], cases.at(-1)![2])
    const rename = Object.fromEntries([...tfjsTensorNames(graph)].map(([own, theirs]) => [theirs, own]))
    const [model, data] = tfjsLayersModel(graph)
    expect(readBaseModel([model!, data!], { layout: graph.layout, rename })).toEqual(graph.weights)
  })

  test('has the digest of its files one after the other', () => {
    const [model, data] = tfjsLayersModel(exported)
    const expected = createHash('sha256').update(model!.bytes).update(data!.bytes).digest('hex')
    expect(baseOf(nodeCrypto, [model!, data!]).sha256).toBe(expected)
  })
})

describe('a base model that does not fit is refused, with tensors and shapes', () => {
  const other = [{ name: 'dense_1/bias', shape: [4] }, ...layout.slice(1)]
  test.each<[string, () => unknown, string]>([
    [
      'another shape',
      () => read(safetensors(other, new Float32Array(weights.length + 1))),
      '"dense_1/bias" is [4], and the plan’s model has [3]',
    ],
    [
      'the same number of values in another shape',
      () => read(whole([...specs.slice(0, 1), { ...specs[1]!, shape: [3, 2] }, ...specs.slice(2)])),
      '"dense_1/kernel" is [3, 2], and the plan’s model has [2, 3]',
    ],
    [
      'a tensor too few',
      () => read(safetensors(layout.slice(1), weights.subarray(3))),
      '"dense_1/bias" [3] is missing',
    ],
    [
      'a tensor too many',
      () => read(safetensors([...layout, { name: 'z', shape: [1, 1] }], Float32Array.of(...weights, 1))),
      '"z" [1, 1] is no tensor of the plan’s model',
    ],
    [
      'a map from what is not there',
      () => read(whole(), { 'dense_1/bais': 'dense_1/bias' }),
      'unknown tensor of the file "dense_1/bais"; did you mean "dense_1/bias"?',
    ],
    [
      'a map to what is not there',
      () => read(whole(), { 'dense_1/bias': 'dense_1/bais' }),
      'unknown tensor of the plan’s model "dense_1/bais"',
    ],
    [
      'a map that makes two of one name',
      () => read(whole(), { 'dense_1/bias': 'dense_2/bias' }),
      'two tensors of the file are "dense_2/bias"',
    ],
  ])('%s', (_, work, message) => {
    expect(work).toThrow(
      expect.objectContaining({ code: 'tensors.mismatch', message: expect.stringContaining(message) }),
    )
  })

  test('and of many mismatches the first are named', () => {
    const renamed = specs.map((spec) => ({ ...spec, name: `their/${spec.name}` }))
    expect(() => read(whole(renamed))).toThrow(/"dense_1\/bias" \[3\] is missing.*; and 3 more$/)
  })
})

describe('a hostile base model is refused', () => {
  const bin = file('w.bin', bytesView(weights).slice())
  const damaged = (value: number) => {
    const values = weights.slice()
    values[4] = value
    return values
  }
  const one = (spec: Partial<Spec>) => whole([...specs.slice(0, 1), { ...specs[1]!, ...spec }, ...specs.slice(2)])
  const group = (changed: Partial<Group>) => tfjs([{ paths: ['w.bin'], weights: specs, ...changed }], [bin])
  const f32 = (begin: number, end: number, ...shape: number[]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] })

  test.each<[string, () => unknown, string]>([
    ['NaN', () => read(safetensors(layout, damaged(Number.NaN))), '"dense_1/kernel" has a value that is not finite'],
    ['infinity', () => read(whole(specs, damaged(Number.NEGATIVE_INFINITY))), '"dense_1/kernel" has a value'],
    [
      'another type in safetensors',
      () => read(rawSafetensors({ a: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }, new Uint8Array(2))),
      '"a" is F16; only F32 is read',
    ],
    [
      'overlapping tensors in safetensors',
      () => read(rawSafetensors({ a: f32(0, 8, 2), b: f32(4, 12, 2) }, new Uint8Array(12))),
      'begin at 4, and 8 was due',
    ],
    ['another type', () => read(one({ dtype: 'int32' })), '"dense_1/kernel" is "int32"; only float32 is read'],
    [
      'a quantised tensor',
      () => read(one({ quantization: { dtype: 'uint8', min: 0, scale: 1 } })),
      '"dense_1/kernel" is quantised',
    ],
    ['a tensor twice', () => read(one({ name: 'dense_1/bias' })), '"dense_1/bias" comes twice'],
    [
      'a name that is special to objects',
      () => read(one({ name: '__proto__' })),
      '"__proto__" is not a name for a tensor',
    ],
    ['another such name', () => read(one({ name: 'constructor' })), '"constructor" is not a name for a tensor'],
    ['a shape beyond all bounds', () => read(one({ shape: [2 ** 40, 2 ** 40] })), 'a shape that no file can hold'],
    ['a large shape without its bytes', () => read(one({ shape: [2 ** 40] })), 'ends at byte'],
    ['a negative size', () => read(one({ shape: [-1] })), 'weightsManifest.0.weights.1.shape.0'],
    ['a fraction as a size', () => read(one({ shape: [1.5, 4] })), 'weightsManifest.0.weights.1.shape.0'],
    ['a shape of many axes', () => read(one({ shape: Array(17).fill(1) })), 'weightsManifest.0.weights.1.shape'],
    ['bytes that belong to no tensor', () => read(group({ weights: specs.slice(1) })), 'the tensors have'],
    ['a file named twice', () => read(group({ paths: ['w.bin', 'w.bin'] })), '"w.bin" is named twice'],
    [
      'a file in two groups',
      () =>
        read(
          tfjs(
            [
              { paths: ['w.bin'], weights: specs },
              { paths: ['w.bin'], weights: [] },
            ],
            [bin],
          ),
        ),
      'is named twice',
    ],
    ['a file in another folder', () => read(group({ paths: ['../w.bin'] })), '"../w.bin" is not the name of a file'],
    ['a hidden file', () => read(group({ paths: ['.w'] })), '".w" is not the name of a file'],
    ['a file by its whole path', () => read(group({ paths: ['/etc/passwd'] })), 'is not the name of a file'],
    ['a file that is not there', () => read(group({ paths: ['v.bin'] })), '"v.bin" is missing'],
    ['a graph model', () => read(tfjs([], [], { format: 'graph-model' })), '"graph-model", not a layers-model'],
    ['no manifest', () => read([file('model.json', utf8('{}'))]), 'weightsManifest'],
    ['no JSON', () => read([file('model.json', utf8('{'))]), 'is not JSON'],
    ['JSON of nothing but depth', () => read([file('model.json', utf8('['.repeat(2 ** 20)))]), 'is not JSON'],
    ['bytes that are no text', () => read([file('model.json', Uint8Array.of(0xff, 0xfe))]), 'is not JSON'],
    ['more JSON than the limit', () => read(whole(), {}, { ...defaultLimits, headerBytes: 100 }), 'the limit is 100'],
    ['more tensors than the limit', () => read(whole(), {}, { ...defaultLimits, tensors: 3 }), '4 tensors, at most 3'],
    [
      'more files than the limit',
      () => read(group({ paths: ['a', 'b'] }), {}, { ...defaultLimits, shards: 1 }),
      '2 weight files',
    ],
    ['more bytes than the limit', () => read(whole(), {}, { ...defaultLimits, modelBytes: 10 }), 'the limit is 10'],
    [
      'a header above the limit',
      () => read(safetensors(), {}, { ...defaultLimits, headerBytes: 100 }),
      'the limit is 100',
    ],
  ])('%s', (_, work, message) => {
    expect(work).toThrow(
      expect.objectContaining({ code: 'tensors.malformed', message: expect.stringContaining(message) }),
    )
  })
})
