import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { csvRecords } from '../../client/data/csv-text.ts'
import { datasetFromCsv } from '../../client/data/load.ts'
import { type Data, dataSchema } from '../../core/plan/data.ts'

type CsvInput = Extract<z.input<typeof dataSchema>, { csv: unknown }>['csv']

const base: CsvInput = {
  columns: [
    { name: 'age', type: 'number', min: 0, max: 120 },
    { name: 'kind', type: 'category', values: ['a', 2, 'c'] },
    { name: 'note', type: 'drop' },
    { name: 'ill', type: 'label' },
  ],
  label: { positive: { values: ['yes'] } },
}

function schema(change: Partial<CsvInput> = {}, split: object = { test: 0.5, stratified: false }) {
  return dataSchema.parse({ csv: { ...base, ...change }, split }) as Extract<Data, { csv: unknown }>
}

const good = ['30,a,x,yes', '40,2.0,y,no', '50,c,z,yes', '60,a,,no']
const table = (...rows: string[]) => ['age,kind,note,ill', ...good, ...rows].join('\n')

/** All rows, training and held-out, as strings, in no particular order. */
function rowsOf(text: string, data: Extract<Data, { csv: unknown }>): string[] {
  const { train, test, shape } = datasetFromCsv(data, text)
  return [train, test].flatMap(({ rows, features, labels }) =>
    Array.from({ length: rows }, (_, i) =>
      [...features.subarray(i * shape[0]!, (i + 1) * shape[0]!), labels[i]].join(' '),
    ),
  )
}

test('a column with a mean and a deviation of its own is scaled by them alone, whatever the rows are', () => {
  const age = { name: 'age', type: 'number', missing: 'mean', standardise: { mean: 50, deviation: 10 } } as const
  const given = schema({ columns: [age, ...base.columns.slice(1)] })
  const rows = ['30,a,x,yes', '40,2,y,no', '70,c,z,yes', ',a,,no']
  const scaled = (...more: string[]) => rowsOf(['age,kind,note,ill', ...rows, ...more].join('\n'), given).sort()
  expect(scaled()).toEqual(['-1 0 1 0 0', '-2 1 0 0 1', '0 1 0 0 0', '2 0 0 1 1'])
  expect(scaled('110,a,,no')).toEqual([...scaled(), '6 1 0 0 0'].sort())
})

describe('delimited text', () => {
  const records = (text: string, delimiter = ',') => [...csvRecords(text, delimiter)]

  test('has quoted fields with delimiters, quotes and line ends in them', () => {
    expect(records('a,"b,""c""\nd", e \r\n\n"",f\n')).toEqual([
      ['a', 'b,"c"\nd', 'e'],
      ['', 'f'],
    ])
    expect(records('\ufeffa;b\n;', ';')).toEqual([
      ['a', 'b'],
      ['', ''],
    ])
  })

  test('comes back as it was written', () => {
    const field = fc.string({ unit: 'grapheme' }).map((text) => text.trim())
    const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 5 }), { maxLength: 5 }), (rows) => {
        const text = rows.map((row) => row.map(quote).join(',')).join('\n')
        expect(records(text)).toEqual(rows)
      }),
    )
  })

  test('is malformed when a quote is not closed', () => {
    expect(() => records('a,"b\n')).toThrow('not closed')
    expect(() => records('"a"b,c')).toThrow('closing quote')
  })
})

describe('a table becomes inputs and labels', () => {
  test('one input per number, one per category', () => {
    expect(rowsOf(table(), schema()).sort()).toEqual(['30 1 0 0 1', '40 0 1 0 0', '50 0 0 1 1', '60 1 0 0 0'])
  })

  test('columns are found by the header, in any order and among others', () => {
    const text = ['ill,other,kind,age', 'yes,1,a,30', 'no,1,2,40', 'yes,1,c,50', 'no,1,a,60'].join('\n')
    const data = schema({ columns: base.columns.filter(({ name }) => name !== 'note') })
    expect(rowsOf(text, data).sort()).toEqual(['30 1 0 0 1', '40 0 1 0 0', '50 0 0 1 1', '60 1 0 0 0'])
  })

  test('the first category can be left out, and the label can be a class', () => {
    const columns = base.columns.map((column) => (column.type === 'category' ? { ...column, dropFirst: true } : column))
    const data = schema({ columns, label: { classes: ['no', 'maybe', 'yes'] } })
    expect(rowsOf(table(), data).sort()).toEqual(['30 0 0 2', '40 1 0 0', '50 0 1 2', '60 0 0 0'])
    expect(datasetFromCsv(data, table()).classes).toBe(3)
  })

  test('missing values become the mean of the training rows, a number or zeros, where the schema says so', () => {
    const columns = base.columns.map((column) => {
      if (column.type === 'number') return { ...column, missing: 'mean' as const }
      return column.type === 'category' ? { ...column, missing: 'zeros' as const } : column
    })
    const { train, test, report } = datasetFromCsv(schema({ columns }), table('?,,x,no', 'NA,?,x,yes'))
    const all = [train, test].flatMap(({ rows, features }) =>
      Array.from({ length: rows }, (_, i) => [...features.subarray(4 * i, 4 * i + 4)]),
    )
    const known = [...Array(train.rows).keys()].map((i) => train.features[4 * i]!).filter((age) => age % 10 === 0)
    const filled = all.filter((row) => row.slice(1).every((input) => input === 0))
    expect(report.bad).toEqual([])
    expect(filled).toHaveLength(2)
    for (const [age] of filled)
      expect(known.length === 0 || (age! >= Math.min(...known) && age! <= Math.max(...known))).toBe(true)
  })

  test('standardised columns have mean 0 and deviation 1 over the training rows, constant ones are 0', () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${20 + i},a,x,${i % 2 ? 'yes' : 'no'}`)
    const data = schema({ standardise: true }, { test: 0.25 })
    const { train, test } = datasetFromCsv(data, ['age,kind,note,ill', ...rows].join('\n'))
    const ages = Array.from({ length: train.rows }, (_, i) => train.features[4 * i]!)
    const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length
    const variance = ages.reduce((sum, age) => sum + (age - mean) ** 2, 0) / ages.length
    expect(mean).toBeCloseTo(0, 5)
    expect(variance).toBeCloseTo(1, 5)
    for (const part of [train, test]) {
      part.features.forEach((value, i) => {
        if (i % 4 !== 0) expect(value).toBe(0)
      })
    }
  })
})

describe('bad rows', () => {
  test('are left out and counted by reason and column', () => {
    const bad = [
      'old,a,x,yes',
      '121,a,x,no',
      '1e999,a,x,no',
      '30,d,x,yes',
      '30,a,x,?',
      '30,a,yes',
      '?,d,x,no',
      '30,?,x,no',
    ]
    const { report } = datasetFromCsv(schema(), table(...bad))
    expect(report).toEqual({
      rows: 12,
      used: 4,
      train: 2,
      test: 2,
      bad: [
        { reason: 'not a number', column: 'age', count: 2 },
        { reason: 'out of range', column: 'age', count: 1 },
        { reason: 'unknown category', column: 'kind', count: 2 },
        { reason: 'missing label', column: 'ill', count: 1 },
        { reason: 'wrong number of columns', count: 1 },
        { reason: 'missing value', column: 'kind', count: 1 },
      ],
    })
  })

  test('may leave too few', () => {
    expect(() => datasetFromCsv(schema(), 'age,kind,note,ill\n30,a,x,yes\n')).toThrow(
      expect.objectContaining({ code: 'data.too-few-rows' }),
    )
    expect(() => datasetFromCsv(schema(), '')).toThrow('not in the header')
  })
})

describe('a wrong schema stops, naming the column', () => {
  const error = (column: string) => expect.objectContaining({ code: 'data.schema', details: { column } })

  test('a column that is not in the header', () => {
    expect(() => datasetFromCsv(schema(), 'age,sort,note,ill\n30,a,x,yes')).toThrow(error('kind'))
  })

  test('a column without a valid value in any row', () => {
    expect(() => datasetFromCsv(schema(), 'age,kind,note,ill\na,a,x,yes\nb,a,x,no')).toThrow(error('age'))
    expect(() => datasetFromCsv(schema(), 'age,kind,note,ill\n30,k,x,yes\n30,l,x,no')).toThrow(error('kind'))
    expect(() => datasetFromCsv(schema({ label: { positive: { above: 0 } } }), table())).toThrow(error('ill'))
  })

  test('a table with another number of columns', () => {
    expect(() => datasetFromCsv(schema({ header: false }), '30,a,yes\n40,a,no')).toThrow(
      expect.objectContaining({ code: 'data.schema', details: { columns: 4 } }),
    )
  })
})

describe('the split', () => {
  const rows = Array.from({ length: 101 }, (_, i) => `${i},a,x,${i % 3 === 0 ? 'yes' : 'no'}`)
  const text = ['age,kind,note,ill', ...rows].join('\n')
  const split = (seed: number) => datasetFromCsv(schema({}, { test: 0.34, seed }), text)

  test('holds out each row or trains on it, with the share of each class', () => {
    const { train, test } = split(1)
    expect([train.rows, test.rows]).toEqual([66, 35])
    expect([...test.labels].filter((label) => label === 1)).toHaveLength(12)
    const ages = [train, test].flatMap(({ features, rows }) => Array.from({ length: rows }, (_, i) => features[4 * i]!))
    expect(ages.sort((a, b) => a - b)).toEqual(Array.from({ length: 101 }, (_, i) => i))
  })

  test('follows from its seed', () => {
    expect(split(1)).toEqual(split(1))
    expect(split(1).test.features).not.toEqual(split(2).test.features)
  })
})
