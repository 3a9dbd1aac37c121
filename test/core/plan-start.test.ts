import { describe, expect, test } from 'vitest'
import { frozenIn, frozenTensors, zeroFrozen } from '../../core/plan/freeze.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { versionReference } from '../../core/plan/start.ts'
import { withControl } from '../../core/tensors/control.ts'
import { layoutOf } from '../../core/tensors/layout.ts'
import { planText } from '../support/plans.ts'

const sha256 = 'ab'.repeat(32)

const withStart = (start: string) => parsePlan(planText({ extra: `start: ${start}` }))
const withFreeze = (freeze: string, model = '{ mlp: { hidden: [4, 4] } }') =>
  parsePlan(
    planText()
      .replace('training: {', `training: { freeze: ${freeze},`)
      .replace('model: { logistic: {} }', `model: ${model}`),
  )

describe('start', () => {
  test('is a version or a file, and a plan without it keeps its digest', () => {
    expect(withStart('{ version: heart/3 }').start).toEqual({ version: 'heart/3' })
    expect(withStart(`{ version: heart@production, sha256: ${sha256} }`).start).toMatchObject({ sha256 })
    const file = { file: 'base.safetensors', sha256, rename: { theirs: 'dense_1/bias' } }
    expect(withStart(JSON.stringify(file)).start).toEqual(file)
    expect(canonicalPlan(parsePlan(planText()))).not.toMatch(/start|freeze/)
  })

  test('names a version by number or by alias', () => {
    expect(versionReference('heart.v2/12')).toEqual({ model: 'heart.v2', number: 12 })
    expect(versionReference('heart@pre-prod_2')).toEqual({ model: 'heart', alias: 'pre-prod_2' })
  })

  test.each<[string, string, string]>([
    ['both', `{ version: heart/3, file: a.safetensors, sha256: ${sha256} }`, 'give exactly one of version, file'],
    ['nothing', '{}', 'give exactly one of version, file'],
    ['a file without its digest', '{ file: a.safetensors }', 'start.sha256: a file is named together with its sha256'],
    ['a file with its folder', `{ file: ../a.safetensors, sha256: ${sha256} }`, 'start.file: the name of a file'],
    ['a digest that is none', '{ file: a.safetensors, sha256: ABC }', 'start.sha256: a SHA-256'],
    ['version 0', '{ version: heart/0 }', 'NAME/NUMBER or NAME@ALIAS'],
    ['a number in words', '{ version: heart/three }', 'NAME/NUMBER or NAME@ALIAS'],
    ['the newest', '{ version: heart@latest }', 'NAME/NUMBER or NAME@ALIAS'],
    ['no version', '{ version: heart }', 'NAME/NUMBER or NAME@ALIAS'],
    ['a misspelt key', '{ versoin: heart/1 }', 'did you mean "version"?'],
  ])('that is %s is refused', (_, start, message) => {
    expect(() => withStart(start)).toThrow(
      expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) }),
    )
  })
})

describe('training.freeze', () => {
  const layout = layoutOf(
    ['dense_1', 'dense_10', 'dense_2'].flatMap((name) => [
      { name: `${name}/bias`, shape: [2] },
      { name: `${name}/kernel`, shape: [3, 2] },
    ]),
  )

  test('takes layers and tensors by their whole names', () => {
    const named = (...freeze: string[]) => frozenTensors(freeze, layout)
    expect(named('dense_1')).toEqual([
      { tensor: 'dense_1/bias', offset: 0, length: 2 },
      { tensor: 'dense_1/kernel', offset: 2, length: 6 },
    ])
    expect(named('dense_2/kernel', 'dense_10')).toEqual([
      { tensor: 'dense_10/bias', offset: 8, length: 2 },
      { tensor: 'dense_10/kernel', offset: 10, length: 6 },
      { tensor: 'dense_2/kernel', offset: 18, length: 6 },
    ])
    expect(frozenTensors(undefined, layout)).toEqual([])
  })

  test('freezes control variates with what they belong to', () => {
    expect(frozenTensors(['dense_1/bias'], withControl(layout))).toEqual([
      { tensor: 'dense_1/bias', offset: 0, length: 2 },
      { tensor: '~control/dense_1/bias', offset: 24, length: 2 },
    ])
  })

  test('finds what is frozen of each part of the flat vector', () => {
    const frozen = frozenTensors(['dense_1/kernel', 'dense_2/bias'], layout)
    const parts = (from: number, length: number) => [...frozenIn(frozen, from, length)]
    expect(parts(0, 24)).toEqual([
      [2, 8, 'dense_1/kernel'],
      [16, 18, 'dense_2/bias'],
    ])
    expect(parts(5, 4)).toEqual([[0, 3, 'dense_1/kernel']])
    expect(parts(8, 8)).toEqual([])
    expect(parts(17, 2)).toEqual([[0, 1, 'dense_2/bias']])
    const part = new Float32Array(4).fill(1)
    zeroFrozen(part, 6, frozen)
    expect([...part]).toEqual([0, 0, 1, 1])
  })

  test.each<[string, string, string]>([
    [
      'a misspelt layer',
      '[dense_1, dense2]',
      'training.freeze.1: unknown layer or tensor "dense2"; did you mean "dense_2"?',
    ],
    ['a misspelt tensor', '[dense_1/kernal]', 'did you mean "dense_1/kernel"?'],
    ['the beginning of a name', '[dense]', 'unknown layer or tensor "dense"'],
    ['everything', '[dense_1, dense_2, dense_3/bias, dense_3/kernel]', 'training.freeze: nothing is left to train'],
    ['nothing', '[]', 'training.freeze'],
  ])('of %s is refused', (_, freeze, message) => {
    expect(() => withFreeze(freeze)).toThrow(
      expect.objectContaining({ code: 'plan.invalid', message: expect.stringContaining(message) }),
    )
    expect(withFreeze('[dense_1, dense_2]').training.freeze).toEqual(['dense_1', 'dense_2'])
  })
})
