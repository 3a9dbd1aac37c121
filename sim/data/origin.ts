import { type Dataset, datasetFromCsv } from '../../client/index.ts'
import type { Csv, Data, Idx, NumberColumn, Split } from '../../core/plan/data.ts'

/** Of each training and each held-out row of a data set its number among the rows of the file, from 0 on. */
export type Origin = { readonly train: Uint32Array; readonly test: Uint32Array }

/** A number in two columns: inputs are float32, which has no odd numbers above 2²⁴. */
const LOW = 2 ** 16

/**
 * Where the rows of a table come from. The loader leaves out bad rows and holds others out, and says of neither which they were: it
 * is given the same table again with the numbers of the rows in it.
 *
 * - `header`: the first record, where the table has one; `records`: all others, bad ones among them.
 */
export function tableOrigin(
  { csv, split }: Extract<Data, { csv: unknown }>,
  header: readonly string[] | undefined,
  records: readonly (readonly string[])[],
): Origin {
  const names = freeNames([...(header ?? []), ...csv.columns.map(({ name }) => name)])
  const zeros = decimals(csv.missing)
  const line = (fields: readonly string[]) => fields.map(quoted).join(csv.delimiter)
  const lines = records.map((fields, row) => line([...fields, ...places(row).map((place) => `${place}${zeros}`)]))
  const numbers = names.map((name): NumberColumn => ({ name, type: 'number', missing: 'drop-row' }))
  const numbered: Csv = { ...csv, standardise: false, columns: [...csv.columns, ...numbers] }
  const first = header === undefined ? [] : [line([...header, ...names])]
  return originIn(datasetFromCsv({ csv: numbered, split }, [...first, ...lines].join('\n')))
}

/** The same for images: of them, which are left out and which are held out follows from their labels alone. */
export function imageOrigin({ idx, split }: { readonly idx: Idx; readonly split: Split }, labels: Uint8Array): Origin {
  const [high, low] = ['high', 'low'].map((name): NumberColumn => ({ name, type: 'number', missing: 'drop-row' }))
  const csv: Csv = {
    delimiter: ',',
    header: false,
    missing: [],
    columns: [{ name: 'label', type: 'label' }, ...[high, low].filter((column) => column !== undefined)],
    label: { classes: Array.from({ length: idx.classes }, (_, k) => k) },
    standardise: false,
  }
  const lines = Array.from(labels, (label, row) => [label, ...places(row)].join(','))
  return originIn(datasetFromCsv({ csv, split }, lines.join('\n')))
}

function places(row: number): readonly [high: number, low: number] {
  return [Math.floor(row / LOW), row % LOW]
}

function originIn({ train, test, shape }: Dataset): Origin {
  const [width = 0] = shape
  const of = ({ rows, features }: Dataset['train']) =>
    Uint32Array.from({ length: rows }, (_, i) => {
      const [high = 0, low = 0] = features.subarray((i + 1) * width - 2, (i + 1) * width)
      return LOW * high + low
    })
  return { train: of(train), test: of(test) }
}

function freeNames(taken: readonly string[]): string[] {
  return ['high', 'low'].map((name) => {
    let free = name
    while (taken.includes(free)) free += "'"
    return free
  })
}

/** What is written behind a whole number so that it is none of the cells that mean that there is no value. */
function decimals(missing: readonly string[]): string {
  let zeros = '.0'
  while (missing.some((cell) => cell.endsWith(zeros))) zeros += '0'
  return zeros
}

function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`
}
