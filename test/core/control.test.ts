import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { plainRate, plainSteps, trainingSchema } from '../../core/plan/training.ts'
import { checkModelNames, hasControl, withControl, withoutControl } from '../../core/tensors/control.ts'
import { type Layout, layoutLength, layoutOf } from '../../core/tensors/layout.ts'
import { readModel, writeModel } from '../../core/tensors/safetensors.ts'

const model = layoutOf([
  { name: 'zz/kernel', shape: [2, 3] },
  { name: 'dense_1/bias', shape: [3] },
  { name: '_scalar', shape: [] },
])

describe('a layout with control variates', () => {
  const doubled = withControl(model)

  test('is in layout order, and its second half has the shapes of the first', () => {
    expect(layoutOf(doubled)).toEqual(doubled)
    expect(layoutLength(doubled)).toBe(2 * layoutLength(model))
    expect(doubled.slice(3)).toEqual(model.map(({ name, shape }) => ({ name: `~control/${name}`, shape })))
  })

  test('is known as such, and gives the model back', () => {
    expect([hasControl(model), hasControl(doubled), hasControl([])]).toEqual([false, true, false])
    expect(withoutControl(doubled)).toEqual(model)
    expect(withoutControl(model)).toEqual(model)
  })

  test('is a model file like any other, weights first', () => {
    const values = Float32Array.from({ length: 20 }, (_, j) => j)
    const file = readModel(writeModel(doubled, values))
    expect(file.layout).toEqual(doubled)
    expect([...file.values.subarray(0, 10)]).toEqual([...values.subarray(0, 10)])
  })

  test.each(['~', '~control/dense', '~a', 'é/kernel', '\u{1F600}'])('is not made for a tensor named %s', (name) => {
    const layout: Layout = layoutOf([...model, { name, shape: [1] }])
    expect(() => withControl(layout)).toThrow(expect.objectContaining({ code: 'engine.model-unsupported' }))
  })

  test('is not made twice', () => {
    expect(() => withControl(doubled)).toThrow('~control/_scalar')
  })

  test('a model without controls may have any name that does not begin with ~', () => {
    const named = (name: string) => () => checkModelNames([{ name, shape: [1] }])
    expect(named('é/kernel')).not.toThrow()
    expect(named('a~b')).not.toThrow()
    expect(named('~b')).toThrow(expect.objectContaining({ code: 'engine.model-unsupported' }))
  })
})

describe('training.scaffold', () => {
  const plain = { steps: 3, optimizer: { sgd: { learningRate: 0.1 } } }
  const messages = (value: unknown) =>
    trainingSchema.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

  test('goes with plain sgd, with or without FedProx, and parses to itself', () => {
    for (const section of [
      { ...plain, scaffold: {} },
      { ...plain, scaffold: { clients: 12 }, fedprox: { mu: 0.1 } },
    ]) {
      const parsed = trainingSchema.parse(section)
      expect(parsed.scaffold).toEqual(section.scaffold)
      expect(trainingSchema.parse(parsed)).toEqual(parsed)
      expect(plainRate(parsed.optimizer)).toBe(0.1)
    }
    expect(trainingSchema.parse(plain)).not.toHaveProperty('scaffold')
  })

  test.each([
    ['momentum', { sgd: { learningRate: 0.1, momentum: 0.9 } }],
    ['Adam', { adam: { learningRate: 0.1 } }],
  ])('with %s is refused, and says why', (_, optimizer) => {
    expect(messages({ steps: 3, optimizer, scaffold: {} })).toEqual([
      'scaffold: scaffold needs the optimizer sgd without momentum: its control variates are averages of plain steps',
    ])
    expect(messages({ steps: 3, optimizer })).toEqual([])
  })

  test.each([{ clients: 0 }, { clients: 1.5 }, { option: 1 }, true])('refuses %j', (scaffold) => {
    expect(messages({ ...plain, scaffold })).toHaveLength(1)
  })

  test('leaves the JSON Schema of the section as it was: exactly one of epochs and steps', () => {
    const schema = z.toJSONSchema(trainingSchema, { io: 'input' })
    expect(schema.oneOf).toEqual([{ required: ['epochs'] }, { required: ['steps'] }])
    expect(schema.properties).toHaveProperty('scaffold')
  })
})

describe('steps of plain descent', () => {
  const of = (optimizer: object, steps: number, mu?: number) =>
    plainSteps(trainingSchema.parse({ steps: 1, optimizer, ...(mu === undefined ? {} : { fedprox: { mu } }) }), steps)

  test('are the steps themselves for plain sgd and for Adam', () => {
    expect(of({ sgd: { learningRate: 0.1 } }, 7)).toBe(7)
    expect(of({ sgd: { learningRate: 0.1 } }, 1e12)).toBe(1e12)
    expect(of({ adam: { learningRate: 0.1 } }, 7, 1)).toBe(7)
  })

  test('with momentum are (K − ρ(1 − ρᴷ)/(1 − ρ))/(1 − ρ)', () => {
    const rho = 0.9
    for (const k of [1, 2, 10, 500]) {
      const expected = (k - (rho * (1 - rho ** k)) / (1 - rho)) / (1 - rho)
      expect(of({ sgd: { learningRate: 0.1, momentum: rho } }, k)).toBeCloseTo(expected, 6)
    }
    expect(of({ sgd: { learningRate: 0.1, momentum: 0.5 } }, 2)).toBe(2.5)
  })

  test('with FedProx are (1 − (1 − ημ)ᴷ)/(ημ)', () => {
    for (const k of [1, 2, 10, 500]) {
      expect(of({ sgd: { learningRate: 0.1 } }, k, 2)).toBeCloseTo((1 - 0.8 ** k) / 0.2, 9)
    }
  })

  test('for a number of steps that nobody can have done take no time', () => {
    expect(of({ sgd: { learningRate: 0.1, momentum: 0.5 } }, 1e15) / 2e15).toBeCloseTo(1, 9)
    expect(of({ sgd: { learningRate: 0.1 } }, 1e15, 2)).toBeCloseTo(5, 9)
    expect(of({ sgd: { learningRate: 100 } }, 1e15, 1000)).toBe(1e15)
  })
})
