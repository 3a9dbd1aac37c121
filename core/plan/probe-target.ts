import { cellKey } from './cells.ts'
import type { Cell, Inputs } from './data.ts'

/** The words for the classes of a binary label, by number. */
const binaryNames = ['negative', 'positive'] as const

/** What the classes of a plan's label are called, by number: `negative` and `positive` of a binary one; none of a number. */
export function classNames(data: Inputs): readonly Cell[] {
  if ('idx' in data) return Array.from({ length: data.idx.classes }, (_, number) => number)
  const { label } = data.csv
  if ('numeric' in label) return []
  return 'classes' in label ? label.classes : binaryNames
}

/** The number of the class that a probe calls its target; undefined for one that the label does not have. */
export function targetClass(data: Inputs, target: Cell): number | undefined {
  const place = classNames(data).findIndex((name) => cellKey(name) === cellKey(target))
  return place < 0 ? undefined : place
}
