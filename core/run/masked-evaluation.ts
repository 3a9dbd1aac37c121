import { z } from 'zod'
import type { Crypto } from '../crypto/primitives.ts'
import { toHex, utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { type CountLimits, invalidCounts } from '../metrics/check.ts'
import { type EvaluationCounts, GROUP_BINS, SCORE_BINS } from '../metrics/counts.ts'
import type { GroupCounts, GroupedCounts, GroupId } from '../metrics/groups.ts'
import { type CountShape, countLanes, countsFromLanes, countsToLanes } from '../metrics/lanes.ts'
import { moreThanAll } from '../plan/check-groups.ts'
import { modelEnds } from '../plan/data.ts'
import { groupsOf } from '../plan/groups.ts'
import type { Plan } from '../plan/plan.ts'
import { digestField, idField, roundField } from './fields.ts'

/** What a client signs about its held-out rows where counts are masked: lanes that mean nothing by themselves. */
export const maskedEvaluationSchema = z.strictObject({
  client: idField,
  /** The models of the task, in its order. */
  models: z.array(digestField).min(1).max(2),
  round: roundField,
  run: idField,
  v: z.literal(1),
  /** The masked lanes, little-endian, base64. */
  vector: z.string().min(4),
})
export type MaskedEvaluation = z.infer<typeof maskedEvaluationSchema>

/** What is evaluated, as both sides see it. */
export type Evaluated = {
  /** SHA-256 of the model files, of their layout, and of the plan; lower-case hex. */
  readonly models: readonly string[]
  readonly layout: string
  readonly plan: string
}

/** SHA-256 of everything that an evaluation depends on beside the data: part of every mask key, as in training. */
export function evaluationDigest(crypto: Pick<Crypto, 'sha256'>, { models, layout, plan }: Evaluated): string {
  return toHex(crypto.sha256(utf8(canonicalJson({ v: 1, kind: 'evaluate', models: [...models], layout, plan }))))
}

/** The largest count of one client of which `clients` add up to less than 2³². */
export function largestCount(clients: number): number {
  return Math.floor((2 ** 32 - 1) / clients)
}

type Shapes = {
  readonly all: CountShape
  readonly group: CountShape
  readonly groups: readonly GroupId[]
  /** Definitions of groups, and their columns. */
  readonly definitions: readonly { readonly by: string; readonly column: string }[]
}

function shapesOf(plan: Plan): Shapes {
  const { units, numeric } = modelEnds(plan.model, plan.data)
  return {
    all: { units, numeric, scoreBins: SCORE_BINS },
    group: { units, numeric, scoreBins: GROUP_BINS },
    groups: groupsOf(plan.evaluation.groups),
    definitions: Object.entries(plan.evaluation.groups).map(([by, { column }]) => ({ by, column })),
  }
}

function lanesPerModel({ all, group, groups }: Shapes): number {
  return countLanes(all) + groups.length * countLanes(group)
}

/**
 * Lanes of the counts of one client: for each model those of all rows and of every group of the plan, then 1 for each group that is
 * withheld and for each definition whose column is lacking. All zeros is what a group says that is not sent.
 */
export function evaluationLanes(plan: Plan, models: number): number {
  const shapes = shapesOf(plan)
  return models * lanesPerModel(shapes) + shapes.groups.length + shapes.definitions.length
}

/** The lanes of what a client counted, one entry for each model. RangeError where a count is above `max`. */
export function evaluationToLanes(plan: Plan, counted: readonly GroupedCounts[], max: number): Uint32Array {
  const shapes = shapesOf(plan)
  const { all, group, groups, definitions } = shapes
  const lanes = new Uint32Array(evaluationLanes(plan, counted.length))
  const [ofAll, ofGroup] = [countLanes(all), countLanes(group)]
  counted.forEach(({ counts, groups: sent }, model) => {
    const at = model * lanesPerModel(shapes)
    countsToLanes(counts, all, max, lanes.subarray(at))
    groups.forEach((id, i) => {
      const found = sent.find((one) => isSame(one, id))
      if (found !== undefined) countsToLanes(found.counts, group, max, lanes.subarray(at + ofAll + i * ofGroup))
    })
  })
  const [{ withheld, lacking } = { withheld: [], lacking: [] }] = counted
  const flags = lanes.subarray(counted.length * lanesPerModel(shapes))
  groups.forEach((id, i) => {
    if (withheld.some((one) => isSame(one, id))) flags[i] = 1
  })
  definitions.forEach(({ by }, i) => {
    if (lacking.some((one) => one.by === by)) flags[groups.length + i] = 1
  })
  return lanes
}

/** The counts of several clients together. */
export type SummedEvaluation = {
  readonly counts: readonly EvaluationCounts[]
  readonly groups: readonly (readonly (GroupCounts & { readonly clients: number })[])[]
  /** Groups that some client withheld, and definitions whose column some client lacks. */
  readonly withheld: readonly GroupId[]
  readonly lacking: readonly { readonly by: string; readonly column: string }[]
}

/**
 * What the sum of the lanes of `clients` clients says, or why no honest clients have such a sum. Everything that is checked of single
 * counts is checked of the sum: nobody can see more of it.
 *
 * - `maxRows`: most rows of one client.
 */
export function evaluationFromSum(
  plan: Plan,
  lanes: Uint32Array,
  { models, clients, maxRows }: { readonly models: number; readonly clients: number; readonly maxRows: number },
): SummedEvaluation | { readonly why: string } {
  const shapes = shapesOf(plan)
  const { all, group, groups, definitions } = shapes
  if (lanes.length !== evaluationLanes(plan, models)) return { why: `the sum has ${lanes.length} lanes` }
  const flags = [...lanes.subarray(models * lanesPerModel(shapes))]
  if (flags.some((flag) => flag > clients)) return { why: 'more clients withhold or lack a group than there are' }
  const senders = groups.map(({ by }, i) => {
    const definition = definitions.findIndex((one) => one.by === by)
    return clients - (flags[i] ?? 0) - (flags[groups.length + definition] ?? 0)
  })
  const limits = { rows: maxRows * clients, units: all.units, numeric: all.numeric }
  const [ofAll, ofGroup] = [countLanes(all), countLanes(group)]
  const counts: EvaluationCounts[] = []
  const ofGroups: (GroupCounts & { clients: number })[][] = []
  for (let model = 0; model < models; model++) {
    const own = lanes.subarray(model * lanesPerModel(shapes))
    const pooled = countsFromLanes(own, all)
    const sent = groups.flatMap((id, i) => {
      const part = countsFromLanes(own.subarray(ofAll + i * ofGroup), group)
      return part.rows === 0 && senders[i] === 0 ? [] : [{ ...id, counts: part, clients: senders[i] ?? 0 }]
    })
    const why = invalidCounts(pooled, limits) ?? invalidGroupSums(plan, pooled, sent, limits)
    if (why !== undefined) return { why }
    counts.push(pooled)
    ofGroups.push(sent)
  }
  const rows = (model: number) => [counts[model]?.rows, ...(ofGroups[model] ?? []).map((one) => one.counts.rows)]
  if (models > 1 && JSON.stringify(rows(0)) !== JSON.stringify(rows(1))) {
    return { why: 'the models were evaluated on different rows' }
  }
  return {
    counts,
    groups: ofGroups,
    withheld: groups.filter((_, i) => (flags[i] ?? 0) > 0),
    lacking: definitions.filter((_, i) => (flags[groups.length + i] ?? 0) > 0),
  }
}

function invalidGroupSums(
  plan: Plan,
  pooled: EvaluationCounts,
  sent: readonly (GroupCounts & { readonly clients: number })[],
  limits: CountLimits,
): string | undefined {
  const { minGroup, groups } = plan.evaluation
  for (const { by, group, counts, clients } of sent) {
    const why = invalidCounts(counts, { ...limits, scoreBins: GROUP_BINS })
    if (why !== undefined) return `group ${by}: ${group}: ${why}`
    if (clients < 0) return `group ${by}: ${group} is withheld and lacking at once`
    if (clients === 0 && counts.rows > 0) return `group ${by}: ${group} has rows, and nobody sent any`
    if (counts.rows < clients * minGroup) return `group ${by}: ${group} has fewer than ${minGroup} rows of each client`
  }
  for (const by of Object.keys(groups)) {
    const own = sent.filter((one) => one.by === by)
    // The losses of each group of each client were rounded by themselves.
    if (
      moreThanAll(
        pooled,
        own,
        own.reduce((sum, { clients }) => sum + clients, 0),
      )
    )
      return `the groups of ${by} have more rows than there are`
  }
  return undefined
}

function isSame(a: GroupId, b: GroupId): boolean {
  return a.by === b.by && a.group === b.group
}
