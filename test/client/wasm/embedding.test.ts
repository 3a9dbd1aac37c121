import fc from 'fast-check'
import { expect, test } from 'vitest'
import { holdToNaive, LayerAtWork } from './layer-at-work.ts'

test('an embedding gives the rows of its table, and equal numbers of an example share one gradient', () => {
  const sizes = fc.integer({ min: 1, max: 6 })
  fc.assert(
    fc.property(sizes, sizes, sizes, fc.infiniteStream(fc.nat()), (positions, vocabulary, units, stream) => {
      const x = Array.from({ length: 3 * positions }, () => (stream.next().value ?? 0) % vocabulary)
      const op = { kind: 'embedding', positions, vocabulary, units, table: 'table' } as const
      holdToNaive(
        op,
        { input: positions, output: positions * units, weights: { table: vocabulary * units } },
        (row, table) => Array.from(row, (number) => [...table.subarray(number * units, (number + 1) * units)]).flat(),
        { x, hasSlopes: false },
      )
    }),
    { numRuns: 50 },
  )
})

test.each([-1, 5, 1.5, 2 ** 31, 2 ** 32, 2 ** 100, Number.NaN, Number.POSITIVE_INFINITY])(
  'the number %d, which no row of a table of five has, is refused',
  (number) => {
    const op = { kind: 'embedding', positions: 3, vocabulary: 5, units: 2, table: 'table' } as const
    const layer = new LayerAtWork(op, { input: 3, output: 6, weights: { table: 10 } }, 1, [...Array(10).keys()])
    expect(() => layer.forward([4, number, 0], 1)).toThrow('from 0 to 4; the data has another')
    expect([...layer.forward([4, 0, 1], 1)]).toEqual([8, 9, 0, 1, 2, 3])
    layer.release()
  },
)
