import { expect, test } from 'vitest'
import { escaped, Markup, markup } from '../../sim/report/page/markup.ts'
import { bytes, count, duration, figure, listed, percent } from '../../sim/report/page/text.ts'
import { linearAxis, logAxis } from '../../sim/report/plot/axis.ts'
import { divergingScale, sequentialScale } from '../../sim/report/plot/bins.ts'
import { lineChart } from '../../sim/report/plot/line-chart.ts'
import { logTicks, niceStep, type Quantity, stepOf, ticksOf } from '../../sim/report/plot/ticks.ts'
import { chosenClients } from '../../sim/report/reduce/choose.ts'
import { bucketsOf, downsample, evenly } from '../../sim/report/reduce/downsample.ts'
import { histogram } from '../../sim/report/reduce/histogram.ts'
import { median, quantile } from '../../sim/report/reduce/statistics.ts'
import { confusionOf } from '../../sim/report/run/evaluation.ts'
import { labelSkew } from '../../sim/report/run/world.ts'
import { gridAxes, panelsOf, worstOver } from '../../sim/report/sweep/scores.ts'
import { madeSweep } from './report-results.ts'

const labels = (quantity: Quantity, min: number, max: number, most = 5) =>
  ticksOf(quantity, min, max, stepOf(quantity, max - min, most)).map(({ label }) => label)

test('ticks stand on round numbers and are written with as many digits as tell them apart', () => {
  expect(labels('number', 0, 1)).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0'])
  expect(labels('number', 0.91, 0.97)).toEqual(['0.92', '0.94', '0.96'])
  expect(labels('number', -1, 1, 4)).toEqual(['−1.0', '−0.5', '0.0', '0.5', '1.0'])
  expect(labels('number', 0, 24_000)).toEqual(['0', '5,000', '10,000', '15,000', '20,000'])
  expect(labels('integer', 0, 3)).toEqual(['0', '1', '2', '3'])
  expect(labels('bytes', 0, 3 * 1024 ** 2)).toEqual(['0', '1 MiB', '2 MiB', '3 MiB'])
  expect(labels('duration', 0, 100_000)).toEqual(['0', '30 s', '60 s', '90 s'])
  expect(labels('duration', 0, 7_200_000, 4)).toEqual(['0', '30 min', '60 min', '90 min', '120 min'])
})

test('a step divides a span into no more parts than asked for', () => {
  for (const span of [1e-9, 0.3, 1, 7, 99, 12_345, 3e9]) {
    expect(span / niceStep(span, 5)).toBeLessThanOrEqual(5 + 1e-6)
    for (const quantity of ['number', 'bytes', 'duration'] as const)
      expect(span / stepOf(quantity, span, 5), quantity).toBeLessThanOrEqual(5 + 1e-6)
  }
})

test('ticks of a logarithmic axis are powers of ten, with 2 and 5 between a few', () => {
  expect(logTicks(0.01, 1, 5).map(({ label }) => label)).toEqual(['0.01', '0.02', '0.05', '0.1', '0.2', '0.5', '1'])
  expect(logTicks(1e-6, 1e3, 5).map(({ label }) => label)).toEqual(['10⁻⁶', '10⁻⁴', '0.01', '1', '100'])
})

test('an axis puts its ends on ticks and the values between them', () => {
  const axis = linearAxis([0.12, 0.87], { quantity: 'number', bounds: [0, 1] })
  expect(axis.domain).toEqual([0, 1])
  expect(axis.at(0.5, [100, 200])).toBe(150)
  expect(linearAxis([4, 4], { quantity: 'number' }).domain).toEqual([2, 6])
  const log = logAxis([0.003, 70])
  expect(log.domain).toEqual([0.002, 100])
  expect(log.at(0.002, [10, 20])).toBe(10)
  expect(log.at(100, [10, 20])).toBe(20)
})

test('scales of colours have nine steps and a middle', () => {
  const { binOf } = sequentialScale([0, 1])
  expect([-1, 0, 0.5, 1, 2].map(binOf)).toEqual([0, 0, 4, 8, 8])
  const diverging = divergingScale([-1, 3], 0)
  expect(diverging.domain).toEqual([-3, 3])
  expect([-3, 0, 3].map(diverging.binOf)).toEqual([0, 4, 8])
})

test('what is put into markup is escaped unless it is markup', () => {
  expect(escaped(`<a href="x" onclick='y'>&`)).toBe('&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;')
  expect(escaped('a\u0000b\u202ec\ud800')).toBe('a\ufffdb\ufffdc\ufffd')
  expect(markup`<p>${'<b>'}${new Markup('<i/>')}${[1, 'two', false]}${undefined}</p>`.text).toBe(
    '<p>&lt;b&gt;<i/>1two</p>',
  )
})

test('figures are written for people', () => {
  expect([figure(0.12345), figure(null), figure(Number.NaN), figure(-1e-7), figure(0)]).toEqual([
    '0.123',
    '–',
    '–',
    '−1.00e−7',
    '0.000',
  ])
  expect([count(1_234_567), count(2.5), count(3)]).toEqual(['1,234,567', '2.5', '3'])
  const plain = (text: string) => text.replaceAll('\u00a0', ' ')
  expect([0, 900, 1_536, 5 * 1024 ** 3].map(bytes).map(plain)).toEqual(['0 B', '900 B', '1.5 KiB', '5 GiB'])
  expect([0, 12, 1_500, 90_000, 7_500_000, 90_000_000].map(duration).map(plain)).toEqual([
    '0 s',
    '12 ms',
    '1.5 s',
    '1 min 30 s',
    '2 h 5 min',
    '1 d 1 h',
  ])
  expect(plain(percent(0.125))).toBe('12.5 %')
  expect(listed(['a', 'b', 'c'], 2)).toBe('a, b and 1 more')
})

test('a thinned line keeps its ends, its lowest and its highest point', () => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({ x, y: x === 4_321 ? 99 : x === 77 ? -99 : Math.sin(x) }))
  const thin = downsample(points, 400)
  expect(thin.length).toBeLessThanOrEqual(400)
  expect([thin[0]?.x, thin.at(-1)?.x]).toEqual([0, 9_999])
  expect(thin).toContainEqual({ x: 4_321, y: 99 })
  expect(thin).toContainEqual({ x: 77, y: -99 })
  expect(thin.map(({ x }) => x)).toEqual(thin.map(({ x }) => x).toSorted((a, b) => a - b))
  const short = points.slice(0, 400)
  expect(downsample(short, 400)).toBe(short)
})

test('buckets cover every index once', () => {
  for (const [n, most] of [
    [0, 60],
    [1, 60],
    [60, 60],
    [61, 60],
    [500, 60],
  ] as const) {
    const buckets = bucketsOf(n, most)
    expect(buckets.length).toBeLessThanOrEqual(most)
    expect(buckets.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual(
      Array.from({ length: n }, (_, i) => i),
    )
  }
  expect(evenly([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([1, 4, 7])
  expect(evenly([1, 2], 3)).toEqual([1, 2])
})

test('where not every client fits, attackers and suspects come first', () => {
  const clients = Array.from({ length: 1_000 }, (_, i) => ({ client: `c${i}`, attacker: i >= 700, suspect: i === 123 }))
  const shown = chosenClients(clients, 40)
  expect(shown).toHaveLength(40)
  expect(shown.filter(({ attacker }) => attacker)).toHaveLength(14)
  expect(shown.slice(0, 14).every(({ attacker }) => attacker)).toBe(true)
  expect(shown.some(({ client }) => client === 'c123')).toBe(true)
  expect(new Set(shown).size).toBe(40)
  expect(chosenClients(clients.slice(0, 5), 40)).toHaveLength(5)
})

test('histograms count every value once', () => {
  const bins = histogram([0, 1, 1, 5, 10], 6, true)
  expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(5)
  expect(bins.at(-1)?.to).toBe(10)
  expect(histogram([7, 7], 6, true)).toEqual([{ from: 7, to: 8, count: 2 }])
  expect(histogram([], 6, true)).toEqual([])
})

test('quantiles lie between neighbours in proportion', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5)
  expect(median([3, Number.NaN, 1])).toBe(2)
  expect(median([])).toBeNull()
})

test('label skew is 0 for clients that are alike and ½ for two that share no class', () => {
  expect(
    labelSkew({
      classes: 2,
      rows: [
        [5, 5],
        [1, 1],
      ],
    }),
  ).toEqual([0, 0])
  expect(
    labelSkew({
      classes: 2,
      rows: [
        [5, 0],
        [0, 5],
      ],
    }),
  ).toEqual([0.5, 0.5])
  expect(labelSkew({ classes: 2, rows: [[0, 0]] })).toEqual([0])
})

test('of very many classes those with the most errors are looked at', () => {
  const k = 100
  const counts = Array<number>(k * k).fill(0)
  counts[97 * k + 3] = 5
  const { classes, of } = confusionOf(counts)
  expect(of).toBe(k)
  expect(classes).toHaveLength(40)
  expect(classes).toContain(97)
})

test('a line is broken where a value is missing, and a value alone is a sign', () => {
  const points = [1, 2, null, 4, null, Number.NaN, 7].map((y, x) => ({ x, y }))
  const { text } = lineChart({
    title: 't',
    description: 'd',
    x: { name: 'x', quantity: 'integer' },
    y: { name: 'y', quantity: 'number' },
    series: [{ name: 'one', style: 0, points }],
  })
  const path = /<path class="line s0" d="([^"]*)"/.exec(text)?.[1] ?? ''
  expect(path.match(/M/g)).toHaveLength(3)
  expect(path.match(/L/g)).toHaveLength(1)
  expect(text).not.toContain('NaN')
})

test('the worst of the attacks is what a rule is worth', () => {
  const sweep = madeSweep({ rule: ['mean', 'median'], attack: ['alie', 'mimic', 'none'], f: ['1', '2'] })
  const worst = worstOver(sweep, sweep.axes[1]!)
  expect(worst.rows).toHaveLength(4)
  for (const row of worst.rows) {
    const all = sweep.rows.filter(({ values }) => values.rule === row.values.rule && values.f === row.values.f)
    expect(row.score).toBe(Math.min(...all.flatMap(({ score }) => score ?? [])))
  }
})

test('rules stand down and attacks across; without them the longest axes', () => {
  const names = (axes: Record<string, string[]>) => gridAxes(madeSweep(axes))?.map(({ name }) => name)
  expect(names({ attack: ['a', 'b', 'c'], lr: ['1', '2', '3', '4'], rule: ['x', 'y'] })).toEqual(['rule', 'attack'])
  expect(names({ a: ['1', '2'], b: ['1', '2', '3'], c: ['1'] })).toEqual(['b', 'a'])
  expect(names({ a: ['1', '2'] })).toBeUndefined()
  const sweep = madeSweep({ rule: ['x', 'y'], attack: ['a', 'b'], f: ['1', '2', '3'] })
  const panels = panelsOf(sweep, gridAxes(sweep)!)
  expect(panels.map(({ fixed }) => fixed)).toEqual([{ f: '1' }, { f: '2' }, { f: '3' }])
  expect(panels[1]?.at('y', 'a')?.values).toEqual({ rule: 'y', attack: 'a', f: '2' })
})
