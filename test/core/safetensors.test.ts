import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromBase64, fromUtf8, toBase64, utf8 } from '../../core/encoding/bytes.ts'
import { layoutLength, layoutOf, type TensorSpec } from '../../core/tensors/layout.ts'
import {
  readDataOffset,
  readHeader,
  readLayout,
  readModel,
  writeHeader,
  writeModel,
} from '../../core/tensors/safetensors.ts'

/** A file with this header, whatever it says, and so many bytes of data. */
function file(header: string | Uint8Array, dataBytes = 0, claimed?: bigint): Uint8Array {
  const json = typeof header === 'string' ? utf8(header) : header
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, claimed ?? BigInt(json.length), true)
  return concatBytes(length, json, new Uint8Array(dataBytes))
}

const entry = (name: string, begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = 'F32') =>
  `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`

const malformed = expect.objectContaining({ code: 'tensors.malformed' })
const refused = (bytes: Uint8Array) => expect(() => readHeader(bytes)).toThrow(malformed)

const layouts = fc
  .uniqueArray(
    fc.record({
      name: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
        .filter((name) => !['__metadata__', '__proto__', 'constructor', 'prototype'].includes(name)),
      shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 8 },
  )
  .map(layoutOf)

describe('the writer', () => {
  it('writes the bytes that the format calls for', () => {
    const layout: TensorSpec[] = [
      { name: 'bias', shape: [2] },
      { name: 'weights', shape: [2, 1] },
    ]
    const header = writeHeader(layout)
    const json =
      '{"__metadata__":{"format":"parley/1"},"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},' +
      '"weights":{"dtype":"F32","shape":[2,1],"data_offsets":[8,16]}}'
    expect(fromUtf8(header.subarray(8))).toBe(json.padEnd(Math.ceil(json.length / 8) * 8, ' '))
    expect(new DataView(header.buffer).getBigUint64(0, true)).toBe(BigInt(header.length - 8))
    expect(header.length % 8).toBe(0)
  })

  it('refuses what is not in layout order, names it cannot write, and shapes that are none', () => {
    const one = (name: string, shape: number[] = [1]) => ({ name, shape })
    for (const layout of [
      [one('b'), one('a')],
      [one('a'), one('a')],
      [one('__metadata__')],
      [one('__proto__')],
      [one('')],
      [one('\ud800')],
      [one('a', [-1])],
      [one('a', [1.5])],
      [one('a', [2 ** 50, 2 ** 10])],
    ]) {
      expect(() => writeHeader(layout)).toThrow(malformed)
    }
    expect(() => writeModel([one('a')], new Float32Array(2))).toThrow(malformed)
  })
})

describe('writer and reader', () => {
  it('agree on every layout', () => {
    fc.assert(
      fc.property(layouts, fc.infiniteStream(fc.float()), (layout, floats) => {
        const values = Float32Array.from({ length: layoutLength(layout) }, () => floats.next().value ?? 0)
        const bytes = writeModel(layout, values)
        const model = readModel(bytes)
        expect(model.layout).toEqual(layout)
        expect(model.values).toEqual(values)
        expect(model.values.buffer).toBe(bytes.buffer)
        expect(writeModel(model.layout, model.values)).toEqual(bytes)
      }),
    )
  })

  it('agree when only the beginning of the file is there', () => {
    const layout = layoutOf([{ name: 'a', shape: [1_000_000] }])
    const header = writeHeader(layout)
    const fileBytes = header.length + 4_000_000
    expect(readDataOffset(header.subarray(0, 8), { fileBytes })).toBe(header.length)
    expect(readLayout(header, { fileBytes })).toEqual({ layout, dataOffset: header.length })
    expect(() => readLayout(header, { fileBytes: fileBytes - 1 })).toThrow(malformed)
    expect(() => readLayout(header.subarray(0, 20), { fileBytes })).toThrow(malformed)
  })

  it('agree when the data are not aligned in memory', () => {
    const bytes = writeModel([{ name: 'a', shape: [2] }], Float32Array.of(1, 2))
    const shifted = new Uint8Array(bytes.length + 1)
    shifted.set(bytes, 1)
    expect(readModel(shifted.subarray(1)).values).toEqual(Float32Array.of(1, 2))
  })
})

describe('the reader', () => {
  it('reads the types that other programs write, in any order, with white space and metadata', () => {
    const dtypes = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 }
    let at = 0
    const entries: string[] = []
    for (const [dtype, size] of Object.entries(dtypes)) {
      entries.push(entry(dtype, at, at + 3 * size, '[3,1]', dtype))
      at += 3 * size
    }
    const header = readHeader(file(`{${entries.reverse().join(',\n ')},"__metadata__":{"a":"1","b":"\\u00e4"}}   `, at))
    expect(header.tensors.map(({ name }) => name)).toEqual(Object.keys(dtypes))
    expect(Object.fromEntries(header.metadata)).toEqual({ a: '1', b: 'ä' })
    expect(header.dataBytes).toBe(at)
  })

  it('reads scalars, empty tensors and a file without tensors', () => {
    expect(readHeader(file('{}')).tensors).toEqual([])
    const header = readHeader(file(`{${entry('b', 0, 4, '[]')},${entry('a', 0, 0, '[0,7]')}}`, 4))
    expect(header.tensors.map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it('refuses lengths that lie', () => {
    refused(new Uint8Array(0))
    refused(new Uint8Array(7))
    refused(file('{}', 0, 3n))
    refused(file('{}', 0, 2n ** 63n))
    refused(file('{}', 0, 2n ** 64n - 8n))
    refused(file('{}', 0, 1n))
    expect(() => readHeader(file('{}  '), { headerBytes: 3 })).toThrow(malformed)
  })

  it('refuses headers that are not UTF-8, not an object, or not JSON', () => {
    const good = `{${entry('a', 0, 4)}}`
    refused(file(concatBytes(utf8('{"'), Uint8Array.of(0xff), utf8(good.slice(2))), 4))
    for (const header of [
      '',
      ' {}',
      '[]',
      '{',
      '{}{}',
      '{},',
      `${good}x`,
      `{${entry('a', 0, 4)},}`,
      good.replace(':', ' '),
      good.replaceAll('"', "'"),
      `{"a\nb${good.slice(3)}`,
      `{"\\x${good.slice(3)}`,
      `{"\\ud800${good.slice(3)}`,
      '{"a',
      '{"a\\',
    ]) {
      refused(file(header, 4))
    }
  })

  it('refuses equal keys at every depth, however they are written', () => {
    refused(file(`{${entry('a', 0, 4)},${entry('a', 0, 4)}}`, 4))
    refused(file(`{${entry('a', 0, 4)},"\\u0061${entry('a', 0, 4).slice(2)}}`, 4))
    refused(file('{"__metadata__":{},"__metadata__":{}}'))
    refused(file('{"__metadata__":{"a":"1","a":"1"}}'))
    refused(file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4))
    refused(file('{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', 4))
  })

  it('refuses holes, overlaps, tails and sizes that do not fit', () => {
    refused(file(`{${entry('a', 4, 8)}}`, 8))
    refused(file(`{${entry('a', 0, 4)},${entry('b', 8, 12)}}`, 12))
    refused(file(`{${entry('a', 0, 8)},${entry('b', 4, 12)}}`, 12))
    refused(file(`{${entry('a', 0, 8)},${entry('b', 0, 8)}}`, 8))
    refused(file(`{${entry('a', 0, 4)}}`, 5))
    refused(file(`{${entry('a', 0, 4)}}`, 3))
    refused(file('{}', 1))
    refused(file(`{${entry('a', 0, 4, '[2]')}}`, 4))
    refused(file(`{${entry('a', 8, 4, '[1]')}}`, 4))
    refused(file(`{${entry('a', 0, 4, '[4503599627370496,4503599627370496]')}}`, 4))
  })

  it('refuses fields that are missing, unknown, or of another kind', () => {
    const whole = `{${entry('a', 0, 4)}}`
    expect(readHeader(file(whole, 4)).tensors).toHaveLength(1)
    for (const [from, to] of [
      ['"dtype":"F32",', ''],
      ['"shape":[1],', ''],
      [',"data_offsets":[0,4]', ''],
      ['[0,4]', '[0]'],
      ['[0,4]', '[0,4,4]'],
      ['[0,4]', '[0,4.0]'],
      ['[0,4]', '[0,4e0]'],
      ['[0,4]', '[-0,4]'],
      ['[0,4]', '[00,4]'],
      ['[0,4]', '[0,"4"]'],
      ['[0,4]', '[0,9007199254740993]'],
      ['[0,4]', '{"0":0}'],
      ['"shape":[1]', '"shape":[[1]]'],
      ['"shape":[1]', '"shape":null'],
      ['"dtype":"F32"', '"dtype":32'],
      ['"shape":[1]', '"shape":[1],"more":1'],
    ] as const) {
      expect(whole).toContain(from)
      refused(file(whole.replace(from, to), 4))
    }
    refused(file('{"__metadata__":{"a":1}}'))
    refused(file('{"__metadata__":{"a":{}}}'))
    refused(file('{"__metadata__":"parley"}'))
  })

  it('refuses other types by name', () => {
    for (const dtype of ['F8_E5M2', 'F4', 'C64', 'U64', 'toString', '__proto__']) {
      expect(() => readHeader(file(`{${entry('a', 0, 4, '[1]', dtype)}}`, 4))).toThrow(dtype)
    }
  })

  it('refuses names that are special to JavaScript objects', () => {
    for (const name of ['__proto__', 'constructor', 'prototype', '']) refused(file(`{${entry(name, 0, 4)}}`, 4))
    expect(readHeader(file(`{${entry('toString', 0, 4)}}`, 4)).tensors[0]?.name).toBe('toString')
  })

  it('refuses what is abuse by number, and soon', () => {
    const many = (count: number, of: (i: number) => string) =>
      file(`{${Array.from({ length: count }, (_, i) => of(i)).join(',')}}`, 4)
    const attacks = [
      many(100_001, (i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`),
      many(100_000, (i) => `"${i}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`),
      many(100_000, (i) => `"${i}":{"dtype":"F32","shape":[4],"data_offsets":[${i},${i + 16}]}`),
      file(`{"a":{"dtype":"F32","shape":[${'1,'.repeat(500_000)}1],"data_offsets":[0,4]}}`, 4),
      file(`{"__metadata__":{${Array.from({ length: 1_001 }, (_, i) => `"${i}":"${i}"`).join(',')}}}`, 4),
      file(`{"${'\\u0061'.repeat(500_000)}":`),
      file(`{"a":${'['.repeat(100_000)}`),
      file('{"a":'.repeat(100_000)),
      // The reference's own attack: ten million entries onto the same bytes. The limit on the header comes first.
      file('{', 0, 1_000_000_000n),
    ]
    // The processor's time, since others may be busy on the machine that runs the test.
    const started = process.cpuUsage()
    for (const attack of attacks) refused(attack)
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1e6).toBeLessThan(5)
  })

  it('throws nothing but its own error, whatever the bytes are', () => {
    const sound = file(`{"__metadata__":{"k":"v"},${entry('a', 0, 4)},${entry('b', 4, 12)}}`, 12)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
        const bytes = sound.slice()
        for (const [at, value] of changes) bytes[at] = value
        try {
          const { tensors, dataBytes } = readHeader(bytes)
          expect(tensors.reduce((sum, { begin, end }) => sum + end - begin, 0)).toBe(dataBytes)
        } catch (failure) {
          expect(failure).toEqual(malformed)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes a model to be float32 in the order of names', () => {
    expect(() => readModel(file(`{${entry('b', 0, 4)},${entry('a', 4, 8)}}`, 8))).toThrow(malformed)
    expect(() => readModel(file(`{${entry('a', 0, 4, '[1]', 'I32')}}`, 4))).toThrow(/I32/)
    expect(readModel(file(`{${entry('b', 4, 8)},${entry('a', 0, 4)}}`, 8)).layout.map(({ name }) => name)).toEqual([
      'a',
      'b',
    ])
  })
})

/** Written from the page of the format alone, with `JSON.parse`: an independent reading of a file. */
function independent(bytes: Uint8Array): Record<string, { shape: number[]; values: number[] }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = Number(view.getBigUint64(0, true))
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))
  delete header.__metadata__
  const tensors = Object.entries(
    header as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
  )
  return Object.fromEntries(
    tensors.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => {
        expect(dtype).toBe('F32')
        const values = []
        for (let at = begin; at < end; at += 4) values.push(view.getFloat32(8 + length + at, true))
        return [name, { shape, values }]
      },
    ),
  )
}

/** Written by the reference implementation (safetensors 0.8.0 for Python) of tensors that it was given in another order. */
const referenceFile =
  'aAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwYXJsZXkvMSJ9LCJhXHUwMDAxf+KAqCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0s' +
  'ImRhdGFfb2Zmc2V0cyI6WzAsNF19LCJkZW5zZS9iaWFzIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNCwxNl19LCJk' +
  'ZW5zZS9rZXJuZWwiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzE2LDQwXX0sImVtcHR5Ijp7ImR0eXBlIjoiRjMy' +
  'Iiwic2hhcGUiOlswLDRdLCJkYXRhX29mZnNldHMiOls0MCw0MF19LCLDvFwiXFxcbvCfmIAiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sImRhdGFf' +
  'b2Zmc2V0cyI6WzQwLDQ0XX19ICAAAOBAAAAAAKuqqj6rqio/AACAP6uqqj9VVdU/AAAAQFVVFUCrqipAAABAQA=='

describe('another writer', () => {
  it('writes the very same bytes', () => {
    const bytes = fromBase64(referenceFile)!
    const { layout, values } = readModel(bytes)
    expect(layout.map(({ name }) => name)).toEqual([
      'a\u0001\u007f\u2028',
      'dense/bias',
      'dense/kernel',
      'empty',
      'ü"\\\n\u{1f600}',
    ])
    expect(values).toHaveLength(11)
    expect(toBase64(writeModel(layout, values))).toBe(referenceFile)
  })
})

describe('another reader', () => {
  const layout = layoutOf([
    { name: 'dense/kernel', shape: [2, 3] },
    { name: 'dense/bias', shape: [3] },
    { name: 'ü"\\\n\u{1f600}', shape: [] },
    { name: 'empty', shape: [0, 4] },
  ])
  const bytes = writeModel(
    layout,
    Float32Array.from({ length: 10 }, (_, i) => i / 3),
  )

  it('finds the same tensors', () => {
    expect(independent(bytes)).toEqual({
      'dense/bias': { shape: [3], values: [0, 1, 2].map((i) => Math.fround(i / 3)) },
      'dense/kernel': { shape: [2, 3], values: [3, 4, 5, 6, 7, 8].map((i) => Math.fround(i / 3)) },
      empty: { shape: [0, 4], values: [] },
      'ü"\\\n\u{1f600}': { shape: [], values: [3] },
    })
  })

  it.skipIf(!hasReference())('finds the same tensors: the reference implementation', () => {
    const program = `
import sys, json, struct
from safetensors import deserialize
floats = lambda data: list(struct.unpack("<%df" % (len(data) // 4), bytes(data)))
print(json.dumps({name: {"shape": t["shape"], "values": floats(t["data"])} for name, t in deserialize(sys.stdin.buffer.read())}))`
    const answer = JSON.parse(execFileSync('python3', ['-c', program], { input: bytes }).toString())
    expect(answer).toEqual(independent(bytes))
  })
})

function hasReference(): boolean {
  try {
    execFileSync('python3', ['-c', 'import safetensors'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
