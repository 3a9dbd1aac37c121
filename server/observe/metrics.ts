import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import {
  allowedValues,
  type CounterId,
  type GaugeId,
  type HistogramId,
  type LabelsOf,
  type Metric,
  type MetricId,
  metricTable,
} from './metric-table.ts'

/** Where the server counts. A label value that is not in the table is counted as `other`. */
export interface Metrics {
  /** Adds to a counter, 1 by default. */
  add<Id extends CounterId>(id: Id, labels: LabelsOf<Id>, by?: number): void
  /** Sets a gauge. */
  set<Id extends GaugeId>(id: Id, labels: LabelsOf<Id>, value: number): void
  /** Moves a gauge up or down. */
  move<Id extends GaugeId>(id: Id, labels: LabelsOf<Id>, by: number): void
  /** Takes a measurement into a histogram, in the unit of its name. */
  observe<Id extends HistogramId>(id: Id, value: number): void
}

/** Metrics that can be read. */
export interface MetricsRegistry extends Metrics {
  /** In the text format of Prometheus, 0.0.4. */
  render(): Promise<string>
  readonly contentType: string
}

/** Counts nothing. */
export const noMetrics: Metrics = { add: () => {}, set: () => {}, move: () => {}, observe: () => {} }

/** `process`: also memory, processor time, event loop delay and the like of this process. */
export function createMetrics(options: { readonly process?: boolean } = {}): MetricsRegistry {
  const registry = new Registry()
  const counters = new Map<MetricId, Counter>()
  const gauges = new Map<MetricId, Gauge>()
  const histograms = new Map<MetricId, Histogram>()
  for (const [id, metric] of entries()) {
    const { name, help } = metric
    const common = { name, help, labelNames: Object.keys(metric.labels), registers: [registry] }
    if (metric.kind === 'counter') counters.set(id, new Counter(common))
    else if (metric.kind === 'gauge') gauges.set(id, new Gauge(common))
    else histograms.set(id, new Histogram({ ...common, buckets: [...(metric.buckets ?? [])] }))
  }
  if (options.process === true) collectDefaultMetrics({ register: registry })
  return {
    add: (id, labels, by = 1) => counters.get(id)?.inc(bounded(id, labels), by),
    set: (id, labels, value) => gauges.get(id)?.set(bounded(id, labels), value),
    move: (id, labels, by) => gauges.get(id)?.inc(bounded(id, labels), by),
    observe: (id, value) => histograms.get(id)?.observe(value),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function entries(): [MetricId, Metric][] {
  return Object.entries(metricTable) as [MetricId, Metric][]
}

function bounded(id: MetricId, labels: Readonly<Record<string, string>>): Record<string, string> {
  const kinds: Metric['labels'] = metricTable[id].labels
  return Object.fromEntries(
    Object.entries(kinds).map(([label, kind]) => {
      const value = labels[label] ?? 'other'
      return [label, allowedValues(kind).includes(value) ? value : 'other']
    }),
  )
}
