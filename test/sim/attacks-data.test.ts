import { describe, expect, test } from 'vitest'
import { randomOf } from '../../core/random/random.ts'
import type { DataAttack, FrameAttack } from '../../sim/attacks/attack.ts'
import { attackOf, attackSchema } from '../../sim/attacks/registry.ts'

function dataAttack(named: unknown): {
  readonly attack: Omit<DataAttack<unknown>, 'options'>
  readonly options: unknown
} {
  const { attack, options } = attackOf(attackSchema.parse(named))
  if (attack.kind !== 'data') throw new Error('no attack on data')
  return { attack, options }
}

function malformed(named: unknown): ReturnType<FrameAttack<unknown>['malform']> {
  const { attack, options } = attackOf(attackSchema.parse(named))
  if (attack.kind !== 'frames') throw new Error('no attack on frames')
  return attack.malform(options)
}

const examplesOf = (rows: number, width: number, classes: number) => ({
  rows,
  features: Float32Array.from({ length: rows * width }, (_, i) => i / 1000),
  labels: Int32Array.from({ length: rows }, (_, i) => i % classes),
})

describe('label flip', () => {
  test.each([
    [10, [0, 3, 9], [9, 6, 0]],
    [3, [0, 1, 2], [2, 1, 0]],
    [1, [0, 1, 1], [1, 0, 0]],
  ])('with %d classes', (classes, labels, expected) => {
    const { attack, options } = dataAttack('label-flip')
    const examples = { rows: 3, features: new Float32Array(3), labels: Int32Array.from(labels) }
    const poisoned = attack.poison(examples, { classes, shape: [1], random: randomOf(1) }, options)
    expect([...poisoned.labels]).toEqual(expected)
    expect([...examples.labels]).toEqual(labels)
    expect(poisoned.features).toBe(examples.features)
  })
})

describe('backdoor', () => {
  const poison = (named: unknown, rows = 10, shape: readonly number[] = [4, 5, 2], classes = 10) => {
    const { attack, options } = dataAttack(named)
    const width = shape.reduce((a, b) => a * b, 1)
    const examples = examplesOf(rows, width, classes === 1 ? 2 : classes)
    const poisoned = attack.poison(examples, { classes, shape, random: randomOf(2) }, options)
    const changed = Array.from({ length: rows }, (_, row) => row).filter(
      (row) => poisoned.features[(row + 1) * width - 1] !== examples.features[(row + 1) * width - 1],
    )
    return { examples, poisoned, changed, width }
  }

  test('draws a square into a corner of a share of the images, and labels them with the target', () => {
    const { examples, poisoned, changed, width } = poison({
      backdoor: { target: 7, share: 0.25, pattern: { size: 2, value: 9 } },
    })
    expect(changed.length).toBe(3)
    for (const row of changed) {
      const marked = [...poisoned.features.subarray(row * width, (row + 1) * width).entries()]
        .filter(([, v]) => v === 9)
        .map(([i]) => i)
      // Rows 2 and 3, columns 3 and 4, both channels.
      expect(marked).toEqual([26, 27, 28, 29, 36, 37, 38, 39])
      expect(poisoned.labels[row]).toBe(7)
    }
    const kept = Array.from(examples.labels.keys()).filter((row) => !changed.includes(row))
    for (const row of kept) expect(poisoned.labels[row]).toBe(examples.labels[row])
    expect(examples.features).toEqual(examplesOf(10, width, 10).features)
  })

  test.each([
    ['top-left', [0]],
    ['top-right', [4]],
    ['bottom-left', [15]],
    ['bottom-right', [19]],
  ])('in the corner %s', (corner, expected) => {
    const { poisoned, width } = poison({ backdoor: { share: 1, pattern: { size: 1, value: 9, corner } } }, 1, [4, 5, 1])
    expect([...poisoned.features.subarray(0, width).entries()].filter(([, v]) => v === 9).map(([i]) => i)).toEqual(
      expected,
    )
  })

  test('sets inputs of a table', () => {
    const { poisoned } = poison({ backdoor: { target: 1, share: 1, features: [{ index: 2, value: -4 }] } }, 2, [3], 1)
    expect(poisoned.features[2]).toBe(-4)
    expect(poisoned.features[5]).toBe(-4)
    expect([...poisoned.labels]).toEqual([1, 1])
  })

  test.each([
    ['a target that is no class', { backdoor: { target: 10 } }, [4, 4, 1], 10, /target 10/],
    ['a target beyond a binary label', { backdoor: { target: 2 } }, [3], 1, /target 2/],
    ['a pattern larger than the image', { backdoor: { pattern: { size: 5 } } }, [4, 6, 1], 10, /pattern\.size/],
    ['an input that is not there', { backdoor: { features: [{ index: 3, value: 1 }] } }, [3], 2, /input 3/],
  ])('%s is refused', (_, named, shape, classes, message) => {
    expect(() => poison(named, 4, shape, classes)).toThrow(message)
  })

  test('shows its success on examples of other classes only', () => {
    const { attack, options } = dataAttack({ backdoor: { target: 1, features: [{ index: 0, value: 8 }] } })
    const probe = attack.probe!(examplesOf(6, 2, 3), { classes: 3, shape: [2] }, options)
    expect(probe.rows).toBe(4)
    expect([...probe.labels]).toEqual([1, 1, 1, 1])
    expect([...probe.features].map((value) => Math.round(value * 1000))).toEqual([8000, 1, 8000, 5, 8000, 7, 8000, 11])
  })

  test('its boost and that of model replacement', () => {
    const scaleOf = (named: unknown) => {
      const { attack, options } = dataAttack(named)
      return attack.scale?.(options, { clients: 20, attackers: 4 })
    }
    expect(scaleOf('backdoor')).toBe(1)
    expect(scaleOf({ backdoor: { boost: 8 } })).toBe(8)
    expect(scaleOf('model-replacement')).toBe(5)
    expect(scaleOf('label-flip')).toBeUndefined()
  })

  test('the same random draws the same rows', () => {
    expect(poison({ backdoor: { share: 0.3 } }, 50).changed).toEqual(poison({ backdoor: { share: 0.3 } }, 50).changed)
  })
})

describe('malformed senders', () => {
  const update = Float32Array.from([1, 2, 3, 4])

  test.each([
    ['nan', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
  ])('%s everywhere, or in a few coordinates', (name, value) => {
    expect([...malformed(name).corrupt!(update, randomOf(1))]).toEqual([value, value, value, value])
    const one = malformed({ [name]: { coordinates: 1 } }).corrupt!(update, randomOf(1))
    expect([...one].filter((x) => Object.is(x, value)).length).toBe(1)
    expect([...malformed({ [name]: { coordinates: 9 } }).corrupt!(update, randomOf(1))]).toEqual([
      value,
      value,
      value,
      value,
    ])
    expect([...update]).toEqual([1, 2, 3, 4])
  })

  test('a wrong shape and a huge sample count', () => {
    expect(malformed('wrong-shape')).toEqual({ layout: 'other' })
    expect(malformed('huge-sample-count')).toEqual({ samples: 1_000_000_000 })
    expect(malformed({ 'huge-sample-count': { samples: -9 } })).toEqual({ samples: -9 })
  })
})
