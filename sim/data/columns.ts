import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { DataFiles } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Data } from '../../core/plan/data.ts'
import { nearestWord } from '../../core/plan/nearest.ts'
import type { Columns } from '../partition/partitioner.ts'
import { imageOrigin, type Origin, tableOrigin } from './origin.ts'
import { csvRecords } from './records.ts'

/** What is known besides inputs and labels of the rows of `Dataset.train` and `Dataset.test`, in their order. */
export type WorldColumns = { readonly train: Columns; readonly test: Columns }

/**
 * Columns of a table as they stand in its file, those that are no inputs among them: `wanted`, or all. Text, or numbers where
 * all cells are. The file is one that the loader has read. Throws `plan.invalid` where it has no such column.
 */
export async function tableColumns(
  data: Extract<Data, { csv: unknown }>,
  path: string,
  wanted?: string,
): Promise<WorldColumns> {
  const [header, records] = await tableAt(path, data)
  const names = header ?? data.csv.columns.map(({ name }) => name)
  if (wanted !== undefined && !names.includes(wanted)) throw noColumn(wanted, names)
  const origin = tableOrigin(data, header, records)
  const chosen = wanted === undefined ? names : [wanted]
  const columns = chosen.map((name) => {
    const field = names.indexOf(name)
    const missing = new Set(data.csv.missing)
    return [name, records.map((record) => cellOf(record[field] ?? '', missing))] as const
  })
  return pick(Object.fromEntries(columns), origin, wanted)
}

/** The ids in a text file, one a line for each row of the data file. Throws `data.schema` where they are not as many. */
export async function listedColumn(data: Data, files: DataFiles, path: string, name: string): Promise<WorldColumns> {
  const ids = (await textOf(path)).replace(/^\ufeff/, '').split(/\r?\n/)
  if (ids.at(-1) === '') ids.pop()
  const { rows, origin } = await rowsOf(data, files)
  if (ids.length !== rows) {
    throw new ParleyError(
      'data.schema',
      `world.partition.natural.file: ${path} has ${ids.length} lines for ${rows} rows`,
    )
  }
  return pick({ [name]: ids.map((id) => id.trim()) }, origin, name)
}

async function rowsOf(data: Data, files: DataFiles): Promise<{ readonly rows: number; readonly origin: Origin }> {
  if ('csv' in data && 'csv' in files) {
    const [header, records] = await tableAt(files.csv, data)
    return { rows: records.length, origin: tableOrigin(data, header, records) }
  }
  if ('csv' in data || 'csv' in files) throw new TypeError('the loader has taken other files')
  const labels = await labelsAt(files.labels)
  return { rows: labels.length, origin: imageOrigin(data, labels) }
}

type Records = readonly (readonly string[])[]

async function tableAt(
  path: string,
  { csv }: Extract<Data, { csv: unknown }>,
): Promise<[header: readonly string[] | undefined, records: Records]> {
  const records = csvRecords(await textOf(path), csv.delimiter)
  return csv.header ? [records[0] ?? [], records.slice(1)] : [undefined, records]
}

/** The labels of an IDX file, bytes behind a header of 8: the loader has held it against its format. */
async function labelsAt(path: string): Promise<Uint8Array> {
  const file = await readFile(path)
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? await promisify(gunzip)(file) : file
  return bytes.subarray(8)
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new ParleyError('data.not-found', `the file ${path} cannot be opened`, { cause, details: { path } })
  }
}

function cellOf(cell: string, missing: ReadonlySet<string>): string {
  return missing.has(cell) ? '' : cell
}

/** The cells of the rows that are used. Every one of these must have a value in the column that was asked for. */
function pick(
  columns: Readonly<Record<string, readonly string[]>>,
  { train, test }: Origin,
  wanted?: string,
): WorldColumns {
  const cells = wanted === undefined ? [] : (columns[wanted] ?? [])
  const without = wanted === undefined ? 0 : [...train, ...test].filter((row) => (cells[row] ?? '') === '').length
  if (without > 0) {
    throw new ParleyError('data.schema', `world.partition.natural: ${without} rows have no value in ${wanted}`)
  }
  const of = (cells: readonly string[], rows: Uint32Array) => Array.from(rows, (row) => cells[row] ?? '')
  const both = Object.entries(columns).map(([name, cells]) => {
    const [own, heldOut] = [of(cells, train), of(cells, test)]
    const numeric = own.every(isNumber) && heldOut.every(isNumber)
    return numeric ? ([name, own.map(Number), heldOut.map(Number)] as const) : ([name, own, heldOut] as const)
  })
  return {
    train: Object.fromEntries(both.map(([name, own]) => [name, own])),
    test: Object.fromEntries(both.map(([name, , heldOut]) => [name, heldOut])),
  }
}

function isNumber(cell: string): boolean {
  return cell.trim() !== '' && Number.isFinite(Number(cell))
}

function noColumn(wanted: string, names: readonly string[]): ParleyError {
  const nearest = nearestWord(wanted, names)
  const advice = nearest === undefined ? `known: ${names.slice(0, 20).join(', ')}` : `did you mean "${nearest}"?`
  return new ParleyError(
    'plan.invalid',
    `world.partition.natural.column: the data file has no column "${wanted}"; ${advice}`,
  )
}
