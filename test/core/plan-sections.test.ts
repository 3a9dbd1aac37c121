import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { dataEnds, dataSchema, modelEnds } from '../../core/plan/data.ts'
import { modelSchema } from '../../core/plan/model.ts'
import { stepsOf, trainingSchema } from '../../core/plan/training.ts'

const example = parse(readFileSync(new URL('../../examples/heart/plan.yaml', import.meta.url), 'utf8')) as Record<
  'model' | 'data' | 'training',
  Record<string, unknown>
>

const columns = [
  { name: 'a', type: 'number' },
  { name: 'b', type: 'category', values: ['x', 'y', 'z'] },
  { name: 'c', type: 'drop' },
  { name: 'y', type: 'label' },
]
const csv = { columns, label: { positive: { above: 0 } } }

function messages(schema: z.ZodType, value: unknown): string[] {
  return schema.safeParse(value).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ?? []
}

describe('each section', () => {
  test('of the heart example is valid, and what it parses to is valid again and the same', () => {
    for (const [schema, section] of [
      [modelSchema, example.model],
      [dataSchema, example.data],
      [trainingSchema, example.training],
    ] as const) {
      const parsed = schema.parse(section)
      expect(schema.parse(parsed)).toEqual(parsed)
    }
  })

  test('has a JSON Schema that says that exactly one key is given', () => {
    const schema = z.toJSONSchema(modelSchema, { io: 'input' })
    expect(schema.oneOf).toEqual([
      { required: ['logistic'] },
      { required: ['linear'] },
      { required: ['mlp'] },
      { required: ['cnn'] },
      { required: ['layers'] },
    ])
    expect(() => z.toJSONSchema(dataSchema, { io: 'input' })).not.toThrow()
    expect(() => z.toJSONSchema(trainingSchema, { io: 'input' })).not.toThrow()
  })

  test('says which key is unknown, and where', () => {
    expect(messages(modelSchema, { mlp: { hidden: [3], depth: 2 } })).toEqual(['mlp: Unrecognized key: "depth"'])
    expect(messages(trainingSchema, { steps: 1, optimizer: { sgd: { learningRate: 1, dampening: 0.1 } } })).toEqual([
      'optimizer.sgd: Unrecognized key: "dampening"',
    ])
    expect(messages(dataSchema, { csv: { ...csv, headers: true } })[0]).toBe('csv: Unrecognized key: "headers"')
  })

  test('takes exactly one of its alternatives', () => {
    expect(messages(modelSchema, {})).toEqual([': give exactly one of logistic, linear, mlp, cnn, layers'])
    expect(messages(modelSchema, { logistic: {}, mlp: { hidden: [3] } })).toHaveLength(1)
    expect(messages(trainingSchema, { epochs: 1, steps: 1, optimizer: { sgd: { learningRate: 1 } } })).toHaveLength(1)
    expect(messages(trainingSchema, { epochs: 1, optimizer: {} })).toEqual([
      'optimizer: give exactly one of sgd, adam, adamw',
    ])
    expect(messages(dataSchema, { idx: {}, csv })).toHaveLength(1)
  })
})

describe('how a client trains', () => {
  const sgd = { learningRate: 0.1 }
  const said = (training: object) => messages(trainingSchema, { steps: 1, optimizer: { sgd }, ...training })

  test('may be said with weight decay, clipping, an engine and other optimizers', () => {
    expect(said({ weightDecay: 0.01, clipGradient: { norm: 1 }, engine: 'wasm' })).toEqual([])
    expect(said({ optimizer: { sgd: { ...sgd, momentum: 0.9, nesterov: true } } })).toEqual([])
    expect(said({ optimizer: { adam: { learningRate: 1 } }, weightDecay: 0.01 })).toEqual([])
    expect(said({ scaffold: {}, weightDecay: 0.01, clipGradient: { norm: 1 } })).toEqual([])
    expect(trainingSchema.parse({ steps: 1, optimizer: { adamw: { learningRate: 1 } } }).optimizer).toEqual({
      adamw: { learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    })
  })

  test('says no more in a plan that asks for none of it', () => {
    expect(trainingSchema.parse({ steps: 1, optimizer: { sgd } })).toEqual({
      steps: 1,
      batch: 32,
      optimizer: { sgd: { learningRate: 0.1, momentum: 0 } },
    })
  })

  test.each([
    [
      'Nesterov without momentum',
      { optimizer: { sgd: { ...sgd, nesterov: true } } },
      'optimizer.sgd.nesterov: needs a momentum above 0',
    ],
    [
      'two decays',
      { optimizer: { adamw: sgd }, weightDecay: 0.1 },
      'weightDecay: adamw has a weightDecay of its own: give that one alone',
    ],
    ['a negative decay', { weightDecay: -1 }, 'weightDecay: Too small: expected number to be >=0'],
    ['clipping to nothing', { clipGradient: { norm: 0 } }, 'clipGradient.norm: Too small: expected number to be >0'],
    [
      'clipping without a norm',
      { clipGradient: {} },
      'clipGradient.norm: Invalid input: expected number, received undefined',
    ],
    [
      'an engine that there is not',
      { engine: 'gpu' },
      'engine: Invalid option: expected one of "auto"|"wasm"|"tfjs"|"tfjs-node"|"tfjs-wasm"|"tfjs-cpu"',
    ],
    [
      'controls with Nesterov',
      { optimizer: { sgd: { ...sgd, momentum: 0.5, nesterov: true } }, scaffold: {} },
      'scaffold: scaffold needs the optimizer sgd without momentum: its control variates are averages of plain steps',
    ],
    [
      'controls with AdamW',
      { optimizer: { adamw: sgd }, scaffold: {} },
      'scaffold: scaffold needs the optimizer sgd without momentum: its control variates are averages of plain steps',
    ],
  ])('but not with %s', (_, training, message) => {
    expect(said(training)).toEqual([message])
  })
})

test.each([
  ['a hidden layer without units', modelSchema, { mlp: { hidden: [0] } }],
  ['dropping all units', modelSchema, { mlp: { hidden: [4], dropout: 1 } }],
  ['no batch', trainingSchema, { epochs: 1, batch: 0, optimizer: { sgd: { learningRate: 0.1 } } }],
  ['a negative step size', trainingSchema, { epochs: 1, optimizer: { sgd: { learningRate: -1 } } }],
  ['a column twice', dataSchema, { csv: { ...csv, columns: [...columns, columns[0]] } }],
  ['two labels', dataSchema, { csv: { ...csv, columns: [...columns, { name: 'z', type: 'label' }] } }],
  ['no label', dataSchema, { csv: { ...csv, columns: columns.slice(0, 3) } }],
  ['no input', dataSchema, { csv: { ...csv, columns: columns.slice(2) } }],
  ['an unknown type', dataSchema, { csv: { ...csv, columns: [{ name: 'a', type: 'text' }] } }],
  ['all rows held out', dataSchema, { csv, split: { test: 1 } }],
])('refused: %s', (_, schema, value) => {
  expect(messages(schema, value).length).toBeGreaterThan(0)
})

describe('the ends of a model', () => {
  const ends = (model: z.input<typeof modelSchema>, data: unknown) =>
    modelEnds(modelSchema.parse(model), dataSchema.parse(data))

  test('of the heart example are 13 inputs and one logit', () => {
    expect(modelEnds(modelSchema.parse(example.model), dataSchema.parse(example.data))).toEqual({
      input: [13],
      task: 'binary',
      units: 1,
    })
  })

  test('follow from categories and classes', () => {
    expect(ends({ logistic: {} }, { csv })).toEqual({ input: [4], task: 'binary', units: 1 })
    const dropFirst = columns.map((column) => (column.name === 'b' ? { ...column, dropFirst: true } : column))
    const classes = { columns: dropFirst, label: { classes: ['p', 'q'] } }
    expect(ends({ mlp: { hidden: [5] } }, { csv: classes })).toEqual({ input: [3], task: 'classes', units: 2 })
  })

  test('of images are flat for dense models and have channels for convolutions', () => {
    expect(ends({ mlp: { hidden: [5] } }, { idx: {} })).toEqual({ input: [784], task: 'classes', units: 10 })
    expect(ends({ cnn: { filters: [4] } }, { idx: {} }).input).toEqual([28, 28, 1])
    expect(dataEnds(dataSchema.parse({ idx: { shape: [8, 9, 3], classes: 4 } }))).toEqual({
      shape: [8, 9, 3],
      classes: 4,
    })
    expect(() => ends({ cnn: { filters: [4] } }, { csv })).toThrow('needs images')
  })
})

test('steps of a round', () => {
  const optimizer = { sgd: { learningRate: 0.1 } }
  expect(stepsOf(trainingSchema.parse({ epochs: 3, batch: 4, optimizer }), 10)).toEqual({ steps: 9, perEpoch: 3 })
  expect(stepsOf(trainingSchema.parse({ steps: 100, batch: 4, optimizer }), 10)).toEqual({ steps: 100, perEpoch: 3 })
})
