/** How a sweep's table looks on a terminal where scores are the worst of several cases, or of only some simulations. */
import { expect, test } from 'vitest'
import { sweepText } from '../../cli/sim-text.ts'
import type { PointRow, SweepResult } from '../../sim/index.ts'

const axes = [
  { name: 'plan.rule', values: ['mean', 'median'] },
  { name: 'world.f', values: ['1', '2'] },
]
const row = (rule: string, f: string, rest: Partial<PointRow>): PointRow => ({
  values: { 'plan.rule': rule, 'world.f': f },
  score: 0.5,
  seeds: 1,
  ...rest,
})
const rows = [
  row('mean', '1', { worst: 'alie', spread: 0.125 }),
  row('mean', '2', { worst: 'mimic', score: 0.25, incomplete: 'alie: its run failed; try again' }),
  row('median', '1', { worst: 'alie', score: 0.75 }),
  row('median', '2', { score: null, failure: 'median withstands nobody' }),
]
const result = (axes: SweepResult['table']['axes'], rows: readonly PointRow[]): SweepResult => ({
  table: { metric: 'worst accuracy', axes, rows },
  cells: [],
  best: rows[2]!,
  worst: rows[1]!,
})

test('two axes: each cell names its worst case', () => {
  expect(sweepText(result(axes, rows)).split('\n')).toEqual([
    'worst accuracy:',
    'plan.rule \\ world.f                   1             2',
    'mean                 0.500 ± 0.125 alie  0.250* mimic',
    'median                       0.750 alie             -',
    '',
    'best:  0.750 at rule = median, f = 1, by alie',
    'worst: 0.250* at rule = mean, f = 2, by mimic',
    '',
    'without a score (-), or with one of only some simulations (*):',
    '  rule = mean, f = 2: alie: its run failed',
    '  rule = median, f = 2: median withstands nobody',
  ])
})

test('otherwise it has a column', () => {
  const text = sweepText(result([...axes, { name: 'x', values: ['a'] }], rows))
  expect(text).toMatch(/\nplan\.rule +world\.f +x +worst accuracy +worst\nmean +1 +0\.500 ± 0\.125 +alie\n/)
})
