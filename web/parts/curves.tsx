import { useEffect, useRef, useState } from 'preact/hooks'
import UPlot from 'uplot'
import type { RoundSummary } from '../../core/run/view.ts'
import { type CurveSet, curveSets } from '../curves.ts'
import { figure } from '../format.ts'
import { Table } from './table.tsx'

/** Learning curves as pictures, and the same figures as a table. */
export function Curves({ history }: { readonly history: readonly RoundSummary[] }) {
  const sets = curveSets(history)
  if (sets.length === 0) return <p class="muted">No round has been evaluated yet.</p>
  const curves = sets.flatMap((set) => set.curves)
  const rounds = sets[0]?.rounds ?? []
  return (
    <>
      <div class="curves">
        {sets.map((set) => (
          <Chart key={set.curves.map(({ metric }) => metric).join()} set={set} />
        ))}
      </div>
      <details>
        <summary>The figures as a table</summary>
        <Table
          caption="Metrics on held-out rows by round"
          head={['Round', ...curves.map(({ metric }) => metric)]}
          rows={rounds.map((round, i) => [round, ...curves.map(({ values }) => figure(values[i]))])}
        />
      </details>
    </>
  )
}

const HEIGHT = 220
/** Told apart by more than colour. */
const dashes = [[], [8, 4], [2, 3], [8, 3, 2, 3], [12, 6]]

function Chart({ set }: { readonly set: CurveSet }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const dark = useDark()
  const names = set.curves.map(({ metric }) => metric).join(', ')
  const data: UPlot.AlignedData = [[...set.rounds], ...set.curves.map(({ values }) => [...values])]
  const latest = useRef(data)
  latest.current = data

  // Drawn anew for other metrics and other colours; new figures of the same go into the picture that is there.
  useEffect(() => {
    const element = place.current
    if (element === null) return
    plot.current = new UPlot(optionsOf(element, set), latest.current, element)
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    sized.observe(element)
    return () => {
      sized.disconnect()
      plot.current?.destroy()
    }
  }, [names, dark])

  useEffect(() => {
    plot.current?.setData(data)
  })

  return (
    <div ref={place} class="chart" role="img" aria-label={`Curves of ${names} by round; the table has the figures`} />
  )
}

function optionsOf(element: Element, { curves }: CurveSet): UPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis = { stroke: colour('--text'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000] },
      { ...axis, size: 56 },
    ],
    series: [
      { label: 'round' },
      ...curves.map(({ metric }, i) => ({
        label: metric,
        stroke: colour(`--curve-${i + 1}`),
        width: 2,
        dash: dashes[i] ?? [],
        points: { show: true, size: 5 },
        value: (_: UPlot, value: number | null) => figure(value),
      })),
    ],
  }
}

function useDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const changed = () => setDark(query.matches)
    query.addEventListener('change', changed)
    return () => query.removeEventListener('change', changed)
  }, [])
  return dark
}
