import { createHash } from 'node:crypto'
import { ParleyError } from '../../core/errors/index.ts'
import { type Data, dataEnds } from '../../core/plan/data.ts'
import type { Groups } from '../../core/plan/groups.ts'
import type { HeldRows } from '../../core/run/holdout.ts'
import type { Dataset, Examples } from './dataset.ts'
import { type DataFiles, pixelRows, readTable } from './load.ts'
import { groupsOfRows } from './row-groups.ts'
import { type Scaling, scaledRows, scalingOf } from './scaling.ts'
import type { Table } from './table.ts'

/** Rows of which none is trained on: all of them are in `dataset.test`. */
export type HeldDataset = HeldRows & {
  readonly dataset: Dataset
  /** By which its columns were standardised; images have none. */
  readonly scaling?: Scaling
}

/**
 * Data of which all rows are held out, by the schema of the plan. Tables are standardised as a client's are, by the mean and the
 * deviation of their own columns; with `scaling` by those of other rows: a trigger that all rows have would else be taken out.
 * Fails with `data.not-found`, `data.malformed`, `data.schema`, and `data.too-few-rows` for not one usable row.
 */
export async function loadHeldRows(
  data: Data,
  files: DataFiles,
  { groups, scaling }: { readonly groups?: Groups; readonly scaling?: Scaling | undefined } = {},
): Promise<HeldDataset> {
  const { table, contents } = await readTable(data, files, groups === undefined ? {} : { groups })
  const rows = table.labels.length
  if (rows === 0) throw new ParleyError('data.too-few-rows', `there is no usable row among ${table.found}`)
  const all = Uint32Array.from(table.labels.keys())
  const own = 'csv' in data ? (scaling ?? scalingOf(data.csv, table.features, table.width, all)) : undefined
  const dataset: Dataset = {
    ...dataEnds(data),
    train: { rows: 0, features: new Float32Array(), labels: new Int32Array() },
    test: examplesOf(data, table, all, own),
    ...(table.groups === undefined ? {} : { groups: groupsOfRows(table.groups, all) }),
    report: { rows: table.found, used: rows, bad: table.bad, train: 0, test: rows },
  }
  return { sha256: digestOf(contents), rows, dataset, ...(own === undefined ? {} : { scaling: own }) }
}

function examplesOf(data: Data, table: Table, all: Uint32Array, scaling: Scaling | undefined): Examples {
  if ('idx' in data) return pixelRows(table, data.idx.divideBy)(all)
  const { features, labels, width } = table
  const own = scaling ?? scalingOf(data.csv, features, width, all)
  return { rows: all.length, features: scaledRows(features, all, own), labels }
}

/** SHA-256 of the file; of several that of their digests one after the other. */
function digestOf(contents: readonly Uint8Array[]): string {
  const digests = contents.map((content) => createHash('sha256').update(content).digest())
  const [only] = digests
  if (only !== undefined && digests.length === 1) return only.toString('hex')
  return createHash('sha256').update(Buffer.concat(digests)).digest('hex')
}
