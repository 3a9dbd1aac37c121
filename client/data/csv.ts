import { ParleyError } from '../../core/errors/index.ts'
import { type Csv, type Data, dataEnds, featureColumns } from '../../core/plan/data.ts'
import type { Groups } from '../../core/plan/groups.ts'
import { BadRowCount } from './bad-rows.ts'
import { type CellReader, featureReader, labelReader, MISSING } from './csv-columns.ts'
import { csvRecords } from './csv-text.ts'
import { RowGroupReader } from './row-groups.ts'
import type { Table } from './table.ts'

type Reader = { readonly name: string; readonly field: number; readonly read: CellReader; valid: number }

/**
 * Reads a table by its schema. Single bad values make bad rows, which are counted. The schema as a whole is wrong, and
 * `data.schema` names the column, when
 *
 * - a column is not in the header, or no row has as many fields as the schema has columns;
 * - a column has no valid value in any row.
 *
 * The columns of `groups` need not be there: of which group a row is makes no row a bad one.
 */
export function readCsv(text: string, data: Extract<Data, { csv: unknown }>, groups: Groups = {}): Table {
  const { csv } = data
  const records = csvRecords(text, csv.delimiter)
  const { fieldOf, width } = fieldsOf(csv, records, groups)
  const missing = new Set(csv.missing)
  const features = featureColumns(csv).map((column): Reader => {
    return { name: column.name, field: fieldOf(column.name), read: featureReader(column, missing), valid: 0 }
  })
  const target = csv.columns.find((column) => column.type === 'label')?.name ?? ''
  const label: Reader = { name: target, field: fieldOf(target), read: labelReader(csv.label, missing), valid: 0 }

  const rowGroups = new RowGroupReader(groups, missing, fieldOf)

  const bad = new BadRowCount()
  const values: number[] = []
  const labels: number[] = []
  let [rows, rightWidth] = [0, 0]
  for (const record of records) {
    rows++
    if (record.length !== width) {
      bad.add('wrong number of columns')
      continue
    }
    rightWidth++
    const row = readRow(record, [label, ...features], bad)
    if (row === undefined) continue
    rowGroups.add(record)
    labels.push(row[0] as number)
    for (let i = 1; i < row.length; i++) values.push(row[i] as number)
  }
  if (rows > 0 && rightWidth === 0) {
    throw new ParleyError('data.schema', `no row has the ${width} columns of the schema`, {
      details: { columns: width },
    })
  }
  for (const { name, valid } of [label, ...features]) {
    if (rightWidth > 0 && valid === 0) throw schemaError(name, 'has no valid value in any row')
  }
  const [inputs] = dataEnds(data).shape
  return {
    width: inputs as number,
    features: Float64Array.from(values),
    labels: Int32Array.from(labels),
    found: rows,
    bad: bad.list(),
    ...(Object.keys(groups).length === 0 ? {} : { groups: rowGroups.groups() }),
  }
}

/** The row's label and features, or `undefined` when one cell is bad; every cell is looked at, so that `valid` is right. */
function readRow(record: readonly string[], readers: readonly Reader[], bad: BadRowCount): number[] | undefined {
  const row: number[] = []
  let first: { reason: string; column: string } | undefined
  for (const reader of readers) {
    const result = reader.read(record[reader.field] as string)
    if ('bad' in result) {
      // What is wrong with a row is said once, and a wrong value before a missing one.
      if (first === undefined || (first.reason === MISSING && result.bad !== MISSING)) {
        first = { reason: result.bad, column: reader.name }
      }
      continue
    }
    if (!result.values.some(Number.isNaN)) reader.valid++
    row.push(...result.values)
  }
  if (first === undefined) return row
  bad.add(first.reason, first.column)
  return undefined
}

function fieldsOf(
  csv: Csv,
  records: Generator<string[]>,
  groups: Groups,
): { fieldOf: (name: string) => number; width: number } {
  const names = csv.columns.map(({ name }) => name)
  if (!csv.header) return { fieldOf: (name) => names.indexOf(name), width: names.length }
  const first = records.next()
  const header = first.done === true ? [] : first.value
  const used = csv.columns.filter((column) => column.type !== 'drop')
  const absent = used.find(({ name }) => !header.includes(name))
  if (absent !== undefined) throw schemaError(absent.name, 'is not in the header')
  const named = [...used.map(({ name }) => name), ...Object.values(groups).map(({ column }) => column)]
  const twice = named.find((name) => header.indexOf(name) !== header.lastIndexOf(name))
  if (twice !== undefined) throw schemaError(twice, 'stands twice in the header')
  return { fieldOf: (name) => header.indexOf(name), width: header.length }
}

function schemaError(column: string, what: string): ParleyError {
  return new ParleyError('data.schema', `the column ${column} ${what}`, { details: { column } })
}
