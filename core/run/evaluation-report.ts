import { z } from 'zod'
import { GROUP_BINS, SCORE_BINS } from '../metrics/counts.ts'
import { MOST_GROUPS } from '../plan/groups.ts'
import { digestField, idField, roundField } from './fields.ts'

// Numbers get their meaning, and their bounds, when the counts are checked: a wrong count is answered by name.
const count = z.number()
const countsSchemaOf = (scoreBins: number) => {
  const bins = z.array(count).length(scoreBins)
  return z.discriminatedUnion('task', [
    z.strictObject({
      task: z.literal('binary'),
      rows: count,
      truePositives: count,
      falsePositives: count,
      trueNegatives: count,
      falseNegatives: count,
      lossMicros: count,
      positiveScores: bins,
      negativeScores: bins,
    }),
    z.strictObject({
      task: z.literal('classes'),
      rows: count,
      lossMicros: count,
      confusion: z.array(count).max(1_000_000),
    }),
    z.strictObject({
      task: z.literal('regression'),
      min: count,
      max: count,
      rows: count,
      overMicros: count,
      underMicros: count,
      squaredErrors: count,
      labelMicros: count,
      squaredLabels: count,
      errorBins: bins,
    }),
  ])
}

export const evaluationCountsSchema = countsSchemaOf(SCORE_BINS)

const name = z.string().min(1).max(50)
const groupField = z.strictObject({ by: name, group: name, counts: countsSchemaOf(GROUP_BINS) })
const upTo = <Field extends z.ZodType>(field: Field) => z.array(field).max(MOST_GROUPS).optional()

/** What a client signs about its held-out rows: the payload of an `Evaluation`. */
export const evaluationReportSchema = z.strictObject({
  v: z.literal(1),
  run: idField,
  round: roundField,
  client: idField,
  /** One entry for each model of the task, in its order. */
  results: z
    .array(z.strictObject({ model: digestField, counts: evaluationCountsSchema, groups: upTo(groupField) }))
    .min(1)
    .max(2),
  // Where the plan has groups: those that were not sent for having too few rows, and columns that are not there.
  withheld: upTo(z.strictObject({ by: name, group: name })),
  lacking: upTo(z.strictObject({ by: name, column: z.string().min(1).max(200) })),
})
export type EvaluationReport = z.infer<typeof evaluationReportSchema>
