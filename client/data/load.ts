import { open } from 'node:fs/promises'
import { ParleyError } from '../../core/errors/index.ts'
import { type Csv, type Data, dataEnds } from '../../core/plan/data.ts'
import type { Groups } from '../../core/plan/groups.ts'
import { readCsv } from './csv.ts'
import type { Dataset, Examples } from './dataset.ts'
import { readIdx } from './idx.ts'
import { groupsOfRows } from './row-groups.ts'
import { scaledRows, scalingOf } from './scaling.ts'
import { classesOf, splitRows } from './split.ts'
import type { Table } from './table.ts'

/** Where a client's data lies: which of the two forms it must have follows from the plan. */
export type DataFiles = { readonly csv: string } | { readonly images: string; readonly labels: string }

/** Largest file of data, and largest unpacked one. A table becomes one JavaScript string, of 2²⁹ characters at most. */
export const DATA_BYTES = 512 * 1024 * 1024 - 1024

/** Largest number of input values that are held in memory, over all rows: 4 GiB of float32. */
const MOST_VALUES = 2 ** 30

export type LoadOptions = {
  /** Largest file, and largest unpacked one; by default `DATA_BYTES`. */
  readonly bytes?: number
  /** The groups of the plan whose held-out rows are to be told apart. */
  readonly groups?: Groups
}

/**
 * A client's data by the schema of the plan: read, checked, split and scaled. Bad rows are left out and counted in the
 * report. Fails with `data.not-found`, `data.malformed`, `data.schema` or `data.too-few-rows`.
 */
export async function loadDataset(data: Data, files: DataFiles, options: LoadOptions = {}): Promise<Dataset> {
  return datasetOf(data, (await readTable(data, files, options)).table)
}

/** The usable rows of the files as they stand there, and the files' bytes. Fails as `loadDataset` does, but for too few rows. */
export async function readTable(
  data: Data,
  files: DataFiles,
  { bytes = DATA_BYTES, groups }: LoadOptions = {},
): Promise<{ readonly table: Table; readonly contents: readonly Uint8Array[] }> {
  if ('csv' in data) {
    if (!('csv' in files)) throw new ParleyError('data.schema', 'the plan asks for a table, a data.csv file')
    const content = await readFile(files.csv, bytes)
    return { table: readCsv(decode(content), data, groups), contents: [content] }
  }
  if (!('images' in files)) throw new ParleyError('data.schema', 'the plan asks for data.images and data.labels files')
  const images = await readFile(files.images, bytes)
  const labels = await readFile(files.labels, bytes)
  return { table: await readIdx(images, labels, data.idx, bytes), contents: [images, labels] }
}

/** The same for a table that is already in memory. */
export function datasetFromCsv(data: Extract<Data, { csv: unknown }>, text: string, groups?: Groups): Dataset {
  return datasetOf(data, readCsv(text, data, groups))
}

function datasetOf(data: Data, table: Table): Dataset {
  const ends = dataEnds(data)
  const used = table.labels.length
  const bad = table.found - used
  const { train, test } = splitRows(classesOf(table.labels, ends), data.split)
  if (train.length < 2 || test.length < 1) {
    throw new ParleyError(
      'data.too-few-rows',
      `${used} usable and ${bad} bad rows are too few to train and to hold out`,
      {
        details: { used, bad },
      },
    )
  }
  if (used * table.width > MOST_VALUES)
    throw new ParleyError('data.malformed', 'the data has too many values for one node')
  const examples = 'csv' in data ? tableRows(table, train, data.csv) : pixelRows(table, data.idx.divideBy)
  return {
    ...ends,
    train: examples(train),
    test: examples(test),
    ...(table.groups === undefined ? {} : { groups: groupsOfRows(table.groups, test) }),
    report: { rows: table.found, used, bad: table.bad, train: train.length, test: test.length },
  }
}

type ExamplesOf = (rows: Uint32Array) => Examples

function tableRows({ features, labels, width }: Table, train: Uint32Array, csv: Csv): ExamplesOf {
  const scaling = scalingOf(csv, features, width, train)
  return (rows) => ({
    rows: rows.length,
    features: scaledRows(features, rows, scaling),
    labels: Int32Array.from(rows, (row) => labels[row] as number),
  })
}

export function pixelRows({ features, labels, width }: Table, divideBy: number): ExamplesOf {
  return (rows) => {
    const out = new Float32Array(rows.length * width)
    rows.forEach((row, i) => {
      for (let j = 0; j < width; j++) out[i * width + j] = (features[row * width + j] as number) / divideBy
    })
    return { rows: rows.length, features: out, labels: Int32Array.from(rows, (row) => labels[row] as number) }
  }
}

/** A file of data as it stands there. Fails with `data.not-found`, and with `data.malformed` where it is too large. */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  return await readFile(path, DATA_BYTES)
}

/** The same as text; `data.malformed` where it is none. */
export async function readTextFile(path: string): Promise<string> {
  return decode(await readWholeFile(path))
}

async function readFile(path: string, mostBytes: number): Promise<Uint8Array> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, 'r')
  } catch (cause) {
    throw new ParleyError('data.not-found', `the data file ${path} cannot be opened`, { cause, details: { path } })
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new ParleyError('data.not-found', `${path} is not a file`, { details: { path } })
    const { size } = stat
    if (size > mostBytes) {
      throw new ParleyError('data.malformed', `the data file ${path} has ${size} bytes, at most ${mostBytes} are read`)
    }
    return await file.readFile()
  } catch (cause) {
    if (cause instanceof ParleyError) throw cause
    throw new ParleyError('data.not-found', `the data file ${path} cannot be read`, { cause, details: { path } })
  } finally {
    await file.close()
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ParleyError('data.malformed', 'the data file is not UTF-8 text', { cause })
  }
}
