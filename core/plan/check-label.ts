import type { EvaluationCounts } from '../metrics/counts.ts'
import { numericMetricNames } from '../metrics/metrics.ts'
import { metricOf, type NamedMetric } from '../metrics/named.ts'
import { dataEnds } from './data.ts'
import type { Gate } from './gates.ts'
import type { Plan } from './plan.ts'

type Task = EvaluationCounts['task']

/** What of a plan does not go together with the kind of its label: classes, of which two may be a binary one, or a number. */
export function labelProblems(plan: Plan): string[] {
  const { model, training, stop, publish } = plan
  const task = taskOf(plan)
  const problems = plan.gates.flatMap((gate, i) => gateProblems(gate, task).map((one) => `gates.${i}.${one}`))
  if (stop !== undefined) problems.push(...metricProblems(stop, task, 'stop.metric'))
  if (publish.select !== 'last')
    problems.push(...metricProblems({ metric: publish.select.best }, task, 'publish.select.best'))
  if ('logistic' in model && task === 'regression') {
    problems.push('model.logistic: needs a label of classes; of a numeric one it is model.linear')
  }
  if ('linear' in model && task !== 'regression') {
    problems.push('model.linear: needs data.csv.label.numeric; of classes it is model.logistic')
  }
  if (training.loss !== undefined && task !== 'regression') {
    problems.push('training.loss: belongs to a numeric label (data.csv.label.numeric); of classes it is cross-entropy')
  }
  return problems
}

function taskOf({ data }: Plan): Task {
  const { classes, numeric } = dataEnds(data)
  if (numeric !== undefined) return 'regression'
  return classes === 1 ? 'binary' : 'classes'
}

function gateProblems(gate: Gate, task: Task): string[] {
  if ('fairness' in gate && gate.fairness !== 'worst-gap') {
    if (task === 'binary') return []
    const instead = task === 'regression' ? '; of a numeric one it is fairness: worst-gap with a metric' : ''
    return [`fairness: ${gate.fairness} needs a binary label${instead}`]
  }
  if ('probe' in gate && gate.probe !== 'perturbed' && task === 'regression') {
    return [`probe: ${gate.probe} needs a label of classes; of a numeric one bound a metric on: holdout`]
  }
  if (!('metric' in gate) || gate.metric === undefined) return []
  return metricProblems({ metric: gate.metric, atPrecision: gate.atPrecision }, task, 'metric')
}

const NUMERIC = numericMetricNames.join(', ')

function metricProblems(named: NamedMetric, task: Task, path: string): string[] {
  if (metricOf(named).value(SAMPLES[task]) !== null) return []
  const { metric } = named
  if (numericMetricNames.some((name) => name === metric)) {
    return [
      `${path}: ${metric} needs a numeric label (data.csv.label.numeric); of classes there are loss, accuracy and others`,
    ]
  }
  if (task === 'regression')
    return [`${path}: ${metric} needs a label of classes; of a numeric one there are ${NUMERIC}`]
  return [`${path}: ${metric} needs a binary label`]
}

/** Counts of each task of which every metric that it has is defined. */
const SAMPLES: { readonly [Name in Task]: Extract<EvaluationCounts, { task: Name }> } = {
  binary: {
    task: 'binary',
    rows: 2,
    truePositives: 1,
    falsePositives: 0,
    trueNegatives: 1,
    falseNegatives: 0,
    lossMicros: 0,
    positiveScores: [0, 1],
    negativeScores: [1, 0],
  },
  classes: { task: 'classes', rows: 2, lossMicros: 0, confusion: [1, 0, 0, 1] },
  regression: {
    task: 'regression',
    min: 0,
    max: 1,
    rows: 2,
    overMicros: 0,
    underMicros: 0,
    squaredErrors: 0,
    labelMicros: 1e6,
    squaredLabels: 1e8,
    errorBins: [2, 0],
  },
}
