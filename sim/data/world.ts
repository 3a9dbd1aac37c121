import { type DataFiles, type Dataset, type Examples, loadDataset } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Data } from '../../core/plan/data.ts'
import type { Columns } from '../partition/partitioner.ts'

/** The data of a simulated world: what is dealt to the clients, and what the model is tested on. */
export type WorldData = Pick<Dataset, 'shape' | 'classes' | 'numeric' | 'train' | 'test'>

/** The same with what is known of its rows besides: `test` where they are of one file with the others. */
export type KnownData = WorldData & { readonly columns?: { readonly train: Columns; readonly test?: Columns } }

/**
 * A whole data set, read as a client reads its own by the `data` section of the plan. It is held out by its `split`; where images
 * for testing lie in files of their own, all rows of the first files are dealt and all of the others are tested on, and the split
 * is not looked at. Fails as `loadDataset` does.
 */
export async function loadWorld(data: Data, files: DataFiles, testFiles?: DataFiles): Promise<WorldData> {
  const world = await loadDataset(data, files)
  if (testFiles === undefined) return world
  // The scaling of a table belongs to its training rows, and a second file would be scaled by its own.
  if (!('idx' in data)) throw new ParleyError('data.schema', 'test files of their own are for images (data.idx) only')
  const tests = await loadDataset(data, testFiles)
  return { shape: world.shape, classes: world.classes, train: together(world), test: together(tests) }
}

function together({ train, test }: Dataset): Examples {
  const features = new Float32Array(train.features.length + test.features.length)
  features.set(train.features)
  features.set(test.features, train.features.length)
  const labels = new Int32Array(train.rows + test.rows)
  labels.set(train.labels)
  labels.set(test.labels, train.rows)
  return { rows: labels.length, features, labels }
}
