import { ParleyError } from '../../core/errors/index.ts'

/** 0 to n − 1 as row numbers. */
export function allRows(n: number): Uint32Array {
  return Uint32Array.from({ length: n }, (_, row) => row)
}

/** Cuts into parts that differ by one row at most, the longer ones first (`array_split` in NumPy). */
export function evenCuts(rows: Uint32Array, parts: number): Uint32Array[] {
  const [least, longer] = [Math.floor(rows.length / parts), rows.length % parts]
  const startOf = (part: number) => part * least + Math.min(part, longer)
  return Array.from({ length: parts }, (_, part) => rows.subarray(startOf(part), startOf(part + 1)))
}

/** Cuts at the rounded-down cumulative shares. */
export function cutByShares(rows: Uint32Array, shares: readonly number[]): Uint32Array[] {
  let [sum, start] = [0, 0]
  return shares.map((share, i) => {
    sum += share
    const end = i === shares.length - 1 ? rows.length : Math.min(rows.length, Math.floor(sum * rows.length))
    const cut = rows.subarray(start, end)
    start = end
    return cut
  })
}

/** The rows ordered by label; rows of one label stay in their order. */
export function byLabel(rows: Uint32Array, labels: Int32Array): Uint32Array {
  return Uint32Array.from(rowsOfClasses(rows, labels).flatMap((members) => [...members]))
}

/** The classes that there are, ascending, each with its rows in the order given. */
export function rowsOfClasses(rows: Uint32Array, labels: Int32Array): Uint32Array[] {
  const found = new Map<number, number[]>()
  for (const row of rows) {
    const label = labels[row] as number
    const known = found.get(label)
    if (known === undefined) found.set(label, [row])
    else known.push(row)
  }
  return [...found].sort(([a], [b]) => a - b).map(([, members]) => Uint32Array.from(members))
}

/** Adds to the end, in a loop: a hundred thousand rows are too many for the arguments of `push`. */
export function append(list: number[], rows: Iterable<number>): void {
  for (const row of rows) list.push(row)
}

/** A product of a share and a count without the dust of binary fractions: 0.07 · 100 is 7, not 7.000000000000001. */
export function roundedProduct(share: number, count: number): number {
  return Number((share * count).toPrecision(12))
}

/** Fails with `plan.infeasible` where the rows do not suffice for `minimum` in each part, unless that is one. */
export function checkMinimum(rows: number, clients: number, minimum: number): void {
  if (minimum <= 1 || rows >= clients * minimum) return
  throw new ParleyError(
    'plan.infeasible',
    `${rows} rows are too few for ${clients} clients with a minimum of ${minimum} each`,
    { details: { rows, clients, minimum } },
  )
}

/**
 * The parts with their rows in ascending order, after short ones got rows from long ones so that each has `minimum`, as far as
 * there are rows enough. As if the longest part gave its last row to the first short one again and again, of equally long ones
 * the first.
 */
export function settled(parts: readonly ArrayLike<number>[], minimum = 1): Uint32Array[] {
  const lists = parts.map((part) => Array.from(part))
  const rows = lists.reduce((sum, list) => sum + list.length, 0)
  if (rows >= lists.length * minimum) fillUp(lists, minimum)
  return lists.map((list) => Uint32Array.from(list).sort())
}

function fillUp(lists: readonly number[][], minimum: number): void {
  const missing = lists.reduce((sum, list) => sum + Math.max(0, minimum - list.length), 0)
  if (missing === 0) return
  const given = taken(lists, missing)
  for (const list of lists) {
    while (list.length < minimum) list.push(given.pop() as number)
  }
}

/** Takes `count` rows from the ends of the longest lists. */
function taken(lists: readonly number[][], count: number): number[] {
  const level = levelFor(lists, count)
  const given: number[] = []
  for (const list of lists) append(given, list.splice(level + 1))
  // Down to one above the level it is all of them; of the last layer only as many as are still wanted.
  for (const list of lists) {
    if (given.length < count && list.length > level) given.push(list.pop() as number)
  }
  return given.reverse()
}

/** The largest length to which the lists can be cut to give `count` rows together. */
function levelFor(lists: readonly number[][], count: number): number {
  const surplus = (level: number) => lists.reduce((sum, list) => sum + Math.max(0, list.length - level), 0)
  let [low, high] = [0, Math.max(...lists.map((list) => list.length))]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (surplus(middle) >= count) low = middle
    else high = middle - 1
  }
  return low
}
