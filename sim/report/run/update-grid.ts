import type { ClientRobustness } from '../../../core/run/robustness.ts'
import type { SimulatedRound } from '../../results.ts'
import type { Bucket } from '../reduce/downsample.ts'
import { median } from '../reduce/statistics.ts'
import { medianNorm, relative, type ShareKind } from './clients.ts'

/** Of one client the means over each bucket of rounds; null where none of its updates was taken. */
export type GridRow = {
  readonly client: string
  readonly share: readonly (number | null)[]
  /** Binary logarithms of norm and distance to the aggregate by their medians: 1 is twice as long, −1 half. */
  readonly norm: readonly (number | null)[]
  readonly distance: readonly (number | null)[]
  readonly cosine: readonly (number | null)[]
  readonly signs: readonly ('point' | 'cross' | undefined)[]
}

type Cell = { n: number; share: Sum; norm: Sum; distance: Sum; cosine: Sum; marked: number; leftOut: number }
type Sum = { of: number; n: number }

/** What became of the updates of some clients, over buckets of rounds. */
export function updateGrid(
  rounds: readonly SimulatedRound[],
  clients: readonly string[],
  buckets: readonly Bucket[],
  kind: ShareKind | undefined,
): GridRow[] {
  const cells = new Map(clients.map((client) => [client, buckets.map(emptyCell)]))
  buckets.forEach(({ from, to }, column) => {
    for (const { robustness } of rounds.slice(from, to)) {
      const reports = robustness?.clients ?? []
      const norm = medianNorm(reports)
      const distance = kind === undefined ? median(reports.map((one) => one.distance)) : null
      for (const report of reports) add(cells.get(report.client)?.[column], report, kind, { norm, distance })
    }
  })
  return [...cells].map(([client, row]) => ({
    client,
    share: row.map(({ share }) => meanOf(share)),
    norm: row.map(({ norm }) => meanOf(norm)),
    distance: row.map(({ distance }) => meanOf(distance)),
    cosine: row.map(({ cosine }) => meanOf(cosine)),
    signs: row.map(signOf),
  }))
}

const emptyCell = (): Cell => ({
  n: 0,
  share: { of: 0, n: 0 },
  norm: { of: 0, n: 0 },
  distance: { of: 0, n: 0 },
  cosine: { of: 0, n: 0 },
  marked: 0,
  leftOut: 0,
})

type Medians = { readonly norm: number | null; readonly distance: number | null }

function add(cell: Cell | undefined, report: ClientRobustness, kind: ShareKind | undefined, medians: Medians): void {
  if (cell === undefined) return
  cell.n++
  addTo(cell.share, kind === undefined ? null : report[kind])
  addTo(cell.norm, doublings(report.norm, medians.norm))
  addTo(cell.distance, doublings(report.distance, medians.distance))
  addTo(cell.cosine, report.cosine)
  if (report.leftOut !== undefined || report.marks.includes('left-out')) cell.leftOut++
  if (report.marks.some((mark) => mark !== 'left-out')) cell.marked++
}

function doublings(length: number, middle: number | null): number | null {
  const times = relative(length, middle)
  return times === null || times === 0 ? null : Math.log2(times)
}

function addTo(sum: Sum, value: number | null): void {
  if (value === null || !Number.isFinite(value)) return
  sum.of += value
  sum.n++
}

function meanOf({ of, n }: Sum): number | null {
  return n === 0 ? null : of / n
}

/** A sign stands for at least half of the rounds of its cell. To be marked says more than to be left out. */
function signOf({ n, marked, leftOut }: Cell): 'point' | 'cross' | undefined {
  if (n === 0) return undefined
  if (2 * marked >= n) return 'point'
  return 2 * leftOut >= n ? 'cross' : undefined
}
