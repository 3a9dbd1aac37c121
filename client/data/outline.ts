import { csvRecords } from './csv-text.ts'
import { idxAxes } from './idx.ts'
import { DATA_BYTES, type DataFiles, readTextFile, readWholeFile } from './load.ts'

/** How much data there is, without a schema: `odd` rows have another number of columns than the first. */
export type Outline = { readonly rows: number; readonly columns: number; readonly odd: number }

const DELIMITERS = [',', ';', '\t', '|']

/**
 * The outline of a table with a header line, by whatever delimiter cuts the header into most columns, or of a pair of IDX files. Fails
 * with `data.not-found` and `data.malformed`.
 */
export async function outlineOf(files: DataFiles): Promise<Outline> {
  if (!('csv' in files)) {
    const [rows = 0, ...size] = await idxAxes(await readWholeFile(files.images), 'images', DATA_BYTES)
    const [labels = 0] = await idxAxes(await readWholeFile(files.labels), 'labels', DATA_BYTES)
    return { rows, columns: size.reduce((product, one) => product * one, 1), odd: Math.abs(rows - labels) }
  }
  const text = await readTextFile(files.csv)
  const columnsBy = (delimiter: string) => csvRecords(text, delimiter).next().value?.length ?? 0
  const delimiter = DELIMITERS.reduce((best, one) => (columnsBy(one) > columnsBy(best) ? one : best))
  let [rows, odd, columns] = [-1, 0, 0]
  for (const record of csvRecords(text, delimiter)) {
    if (rows++ < 0) columns = record.length
    else if (record.length !== columns) odd++
  }
  return { rows: Math.max(0, rows), columns, odd }
}
