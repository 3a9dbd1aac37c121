/** The rules and the dashboard that are shipped speak only of metrics that there are. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { allowedValues } from '../../server/observe/metric-labels.ts'
import { type Metric, metricTable } from '../../server/observe/metric-table.ts'
import { root } from '../support/source-files.ts'

const metrics = new Map(Object.values<Metric>(metricTable).map((metric) => [metric.name, metric]))
const text = (path: string) => readFileSync(join(root, path), 'utf8')

/** What is wrong in an expression: unknown metrics, labels or values. */
function wrongIn(expression: string): string[] {
  const wrong: string[] = []
  const labels = new Set(['le'])
  for (const [, full = '', selector = ''] of expression.matchAll(/\b(parley_\w+)(?:\{([^}]*)\})?/g)) {
    const base = full.replace(/_(bucket|sum|count)$/, '')
    const metric = metrics.get(full) ?? metrics.get(base)
    if (metric === undefined || (metric.name !== full && metric.kind !== 'histogram')) {
      wrong.push(`no metric ${full}`)
      continue
    }
    for (const label of Object.keys(metric.labels)) labels.add(label)
    for (const [, label = '', value = ''] of selector.matchAll(/(\w+)=~?"([^"]*)"/g)) {
      const kind = metric.labels[label]
      if (kind === undefined) wrong.push(`${full} has no label ${label}`)
      else
        for (const one of value.split('|'))
          if (allowedValues(kind)?.includes(one) === false) wrong.push(`${label} is never ${one}`)
    }
  }
  for (const [, list = ''] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of list.split(',').map((one) => one.trim())) if (!labels.has(label)) wrong.push(`by ${label}`)
  }
  return wrong
}

type Rule = { alert: string; expr: string; labels: { severity: string }; annotations: { summary: string } }
type Panel = { id: number; title: string; targets: { expr: string; legendFormat: string }[] }
const { groups } = parse(text('deploy/prometheus/rules.yaml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const { panels } = JSON.parse(text('deploy/grafana/parley.json')) as { panels: Panel[] }

test('wrong expressions are found', () => {
  expect(wrongIn('sum by (code) (parley_none)')).toEqual(['no metric parley_none', 'by code'])
  expect(wrongIn('parley_rounds_total{outcome="lost"} + parley_runs_active{x="y"}')).toEqual([
    'outcome is never lost',
    'parley_runs_active has no label x',
  ])
  expect(wrongIn('parley_runs_active_bucket')).toEqual(['no metric parley_runs_active_bucket'])
})

describe('deploy/prometheus/rules.yaml', () => {
  test.each(rules)('$alert is on metrics that there are', ({ expr, labels, annotations }) => {
    expect(expr).toContain('parley_')
    expect(wrongIn(expr)).toEqual([])
    expect(['warning', 'critical']).toContain(labels.severity)
    expect(annotations.summary).toMatch(/\.$/)
  })

  test('has each alert once', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })
})

describe('deploy/grafana/parley.json', () => {
  test.each(panels)('“$title” is on metrics that there are', ({ targets }) => {
    expect(targets.length).toBeGreaterThan(0)
    for (const { expr, legendFormat } of targets) {
      expect(wrongIn(expr)).toEqual([])
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect(expr.includes(`by`) ? expr : label).toContain(label)
    }
  })

  test('shows every metric', () => {
    const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join(' ')
    expect([...metrics.keys()].filter((name) => !shown.includes(name))).toEqual([])
  })
})

test('neither has an address in it', () => {
  for (const path of ['deploy/prometheus/rules.yaml', 'deploy/grafana/parley.json']) {
    expect(text(path)).not.toMatch(/[a-z]+:\/\//i)
  }
})
