import { isAbsolute, resolve } from 'node:path'
import type { DataFiles } from '../../client/index.ts'
import type { WorldPlan } from './scenario.ts'

/** The files that a world is made from, by their whole paths. */
export type WorldFiles = {
  /** What is dealt to clients. */
  readonly main: DataFiles
  /** What the model is tested on, where that lies in files of its own. */
  readonly test: DataFiles | undefined
  /** Which rows belong together. */
  readonly ids: string | undefined
}

/** Paths count from `folder`. Throws a `TypeError` for generated data. */
export function dataFilesOf({ data, partition }: Pick<WorldPlan, 'data' | 'partition'>, folder: string): WorldFiles {
  if (!('files' in data)) throw new TypeError('generated data have no files')
  const place = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const ids = 'natural' in partition ? partition.natural.file : undefined
  const rest = { ids: ids === undefined ? undefined : place(ids) }
  const { files } = data
  if ('csv' in files) return { main: { csv: place(files.csv) }, test: undefined, ...rest }
  const pair = ({ images, labels }: { images: string; labels: string }): DataFiles => ({
    images: place(images),
    labels: place(labels),
  })
  return { main: pair(files), test: files.test === undefined ? undefined : pair(files.test), ...rest }
}
