import { z } from 'zod'
import { metricNames } from '../metrics/metrics.ts'
import { type FairnessName, fairnessNames, type GateMetricName, gateMetricNames } from '../metrics/named.ts'
import { gateName } from './gate-name.ts'
import { checkGateShape, type WrittenGate } from './gate-shape.ts'
import { type LatencyGate, latencySchema } from './latency-gate.ts'
import { effectiveProbe, type ProbeGate, perturbSchema, probeNames, probeTargetSchema } from './probe-gates.ts'
import { rolloutPlanSchema } from './rollout.ts'
import { wordOf } from './words.ts'

const bound = z.number().min(-1e9).max(1e9)

const placeNames = ['pooled', 'worst-client', 'median-client', 'worst-group', 'holdout'] as const
export type PlaceName = (typeof placeNames)[number]

export type GateCommon = {
  /** Absent in journals from before every gate had one: then it is `gateName` of the gate. */
  readonly id?: string | undefined
  /** Nobody may publish in spite of it. */
  readonly hard?: true | undefined
  /** The bound must hold for the one-sided confidence bound of the value, not for the value alone. */
  readonly confidence?: number | undefined
}

/**
 * Bounds a metric. Exactly one of `min` and `max`, which bound the value itself, and `maxDrop`, which bounds how much worse it may
 * be than that of the version in use (the holder of `publish.alias`), which is evaluated anew on the same rows in the same round.
 */
export type MetricGate = GateCommon & {
  readonly metric: GateMetricName
  /** The precision that `recallAtPrecision` asks for. */
  readonly atPrecision?: number | undefined
  /**
   * `pooled`: over the held-out rows of all clients together. `worst-client`, `median-client`: of the values of single clients.
   * `worst-group`: the bound holds for each group of `groupBy`, over the rows of all clients. `holdout`: over rows that the
   * coordinator holds; with `groupBy` for each group of them.
   */
  readonly on: PlaceName
  readonly groupBy?: string | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly maxDrop?: number | undefined
}

/** Bounds how far the groups of `groupBy` lie apart. */
export type FairnessGate = GateCommon & {
  readonly fairness: FairnessName
  /** Whose gap, where `fairness` is `worst-gap`. */
  readonly metric?: GateMetricName | undefined
  readonly atPrecision?: number | undefined
  readonly groupBy: string
  readonly maxGap: number
  /** Of the rows that the coordinator holds, not of the clients’. */
  readonly on?: 'holdout' | undefined
}

/** Bounds the model file. */
export type SizeGate = Omit<GateCommon, 'confidence'> & { readonly size: { readonly maxBytes: number } }

/** A condition on the candidate, fixed before the run. */
export type Gate = MetricGate | FairnessGate | SizeGate | LatencyGate | ProbeGate

const written = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, dots, dashes and underscores')
      .optional()
      .describe('by default a name that follows from the rest; each gate of a plan has its own'),
    hard: z.boolean().optional().describe('true: nobody may publish in spite of it'),
    metric: wordOf(gateMetricNames, 'metric').optional(),
    atPrecision: z.number().gt(0).max(1).optional().describe('of the metric recallAtPrecision'),
    fairness: wordOf(fairnessNames, 'fairness gate')
      .optional()
      .describe('how groups are compared; needs groupBy and maxGap'),
    size: z
      .strictObject({ maxBytes: z.int().min(1).max(Number.MAX_SAFE_INTEGER) })
      .optional()
      .describe('bounds the model file'),
    latency: latencySchema.optional().describe('bounds the time to answer on the coordinator’s machine'),
    probe: wordOf(probeNames, 'probe').optional().describe('what is tried on rows that the coordinator holds'),
    perturb: perturbSchema.optional().describe('of the probe perturbed'),
    target: probeTargetSchema
      .optional()
      .describe('of the probe trigger: a class; positive or negative of a binary label'),
    on: wordOf(placeNames, 'place').optional().describe('pooled, unless there is groupBy: then worst-group'),
    groupBy: z.string().min(1).max(50).optional().describe('a name of evaluation.groups'),
    min: bound.optional(),
    max: bound.optional(),
    maxDrop: bound.optional().describe('how much worse it may be than the version in use'),
    maxGap: bound.optional().describe('how far the groups of groupBy may lie apart'),
    confidence: z
      .number()
      .gt(0.5)
      .lt(1)
      .optional()
      .describe('the bound must hold for the one-sided confidence bound: 0.95 is usual'),
  })
  .check((context) => {
    for (const { message, path } of checkGateShape(context.value)) {
      context.issues.push({ code: 'custom', message, path, input: context.value })
    }
  })

/** A gate as it is written becomes a gate with everything filled in; what is filled in may be written too. */
export const gateSchema = written.transform(effectiveGate)

export const gatesSchema = z
  .array(gateSchema)
  .max(100)
  .check((context) => {
    const ids = context.value.map(({ id }) => id)
    ids.forEach((id, i) => {
      // A gate with mistakes of its own has not got its id yet.
      if (id === undefined || ids.indexOf(id) === i) return
      const message = `"${id}" stands twice: give one of the gates an id of its own`
      context.issues.push({ code: 'custom', message, path: [i, 'id'], input: context.value })
    })
  })

function effectiveGate(gate: WrittenGate): Gate {
  const { id = gateName(gate), hard, fairness, metric, size, latency, probe, maxGap, on, groupBy, ...rest } = gate
  const head = { id, ...(hard === true ? { hard } : {}) }
  if (size !== undefined) return { ...head, size }
  if (latency !== undefined) return { ...head, latency }
  if (probe !== undefined) return effectiveProbe(gate, head)
  const compared = { ...rest, ...(metric === undefined ? {} : { metric }) }
  if (groupBy !== undefined && maxGap !== undefined) {
    const own = on === 'holdout' ? ({ on } as const) : {}
    return { ...head, ...compared, fairness: fairness ?? 'worst-gap', groupBy, maxGap, ...own }
  }
  if (metric === undefined) throw new TypeError('a gate without anything to bound has passed its check')
  const place = on ?? (groupBy === undefined ? 'pooled' : 'worst-group')
  const by = groupBy === undefined ? {} : { groupBy }
  return { ...head, ...compared, metric, on: place, ...by }
}

/** Ends the training before its last round. What came out then goes before the gates as always. */
export const earlyStopSchema = z.strictObject({
  /** Pooled, as the gates see it. */
  metric: wordOf(metricNames, 'metric'),
  /** Evaluated rounds without improvement after which the run goes to its gates. */
  rounds: z.number().int().min(1).max(1_000_000),
  /** What counts as an improvement over the best round so far. */
  minDelta: z.number().min(0).max(1e9).default(0),
})
export type EarlyStop = z.infer<typeof earlyStopSchema>

export const publishSchema = z.strictObject({
  /** The alias that moves to the new version. */
  alias: z
    .string()
    .regex(/^(?!latest$|v\d+$)[a-z0-9_-]{1,100}$/, 'an alias of small letters, digits, dashes; not `latest` or `v1`')
    .default('production'),
  /** Which evaluated round's model goes before the gates: the last, or the best by one pooled metric. */
  select: z.union([z.literal('last'), z.strictObject({ best: wordOf(metricNames, 'metric') })]).default('last'),
  /** Forms of the model that are made and signed beside it, where it has them; see docs/exports.md. */
  exports: z
    .array(z.enum(['tfjs', 'logistic']))
    .max(2)
    .refine((names) => new Set(names).size === names.length, { message: 'a form stands twice' })
    .default(['tfjs', 'logistic']),
  /** How the alias moves where it points at a version already; without it at once. */
  rollout: rolloutPlanSchema.optional(),
})
