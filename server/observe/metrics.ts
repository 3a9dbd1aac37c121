import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { allowedValues } from './metric-labels.ts'
import {
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
  /** Makes these the only series of a gauge. */
  replace<Id extends GaugeId>(
    id: Id,
    series: readonly { readonly labels: LabelsOf<Id>; readonly value: number }[],
  ): void
  /** Takes a measurement into a histogram, in the unit of its name. */
  observe<Id extends HistogramId>(id: Id, labels: LabelsOf<Id>, value: number): void
}

/** Metrics that can be read. */
export interface MetricsRegistry extends Metrics {
  /** Calls `measure` before each rendering; what it throws is dropped, and its metrics stay as they were. */
  beforeRender(measure: () => void | Promise<void>): void
  /** In the text format of Prometheus, 0.0.4. */
  render(): Promise<string>
  readonly contentType: string
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  add: () => {},
  set: () => {},
  move: () => {},
  replace: () => {},
  observe: () => {},
}

/** `process`: also memory, processor time, event loop delay and the like of this process. */
export function createMetrics(options: { readonly process?: boolean } = {}): MetricsRegistry {
  const registry = new Registry()
  const counters = new Map<MetricId, Counter>()
  const gauges = new Map<MetricId, Gauge>()
  const histograms = new Map<MetricId, Histogram>()
  const measuring: (() => void | Promise<void>)[] = []
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
    replace(id, series) {
      const found = gauges.get(id)
      found?.reset()
      // One without labels would say 0.
      if (series.length === 0 && Object.keys(metricTable[id].labels).length === 0) found?.remove()
      for (const { labels, value } of series) found?.set(bounded(id, labels), value)
    },
    observe: (id, labels, value) => histograms.get(id)?.observe(bounded(id, labels), value),
    beforeRender: (measure) => void measuring.push(measure),
    async render() {
      await Promise.allSettled(measuring.map(async (measure) => measure()))
      return registry.metrics()
    },
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
      return [label, allowedValues(kind)?.includes(value) === false ? 'other' : value]
    }),
  )
}
