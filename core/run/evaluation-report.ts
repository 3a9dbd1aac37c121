import { z } from 'zod'
import { SCORE_BINS } from '../metrics/counts.ts'
import { digestField, idField, roundField } from './fields.ts'

// Numbers get their meaning, and their bounds, when the counts are checked: a wrong count is answered by name.
const count = z.number()
const bins = z.array(count).length(SCORE_BINS)

export const evaluationCountsSchema = z.discriminatedUnion('task', [
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
])

/** What a client signs about its held-out rows: the payload of an `Evaluation`. */
export const evaluationReportSchema = z.strictObject({
  v: z.literal(1),
  run: idField,
  round: roundField,
  client: idField,
  /** One entry for each model of the task, in its order. */
  results: z
    .array(z.strictObject({ model: digestField, counts: evaluationCountsSchema }))
    .min(1)
    .max(2),
})
export type EvaluationReport = z.infer<typeof evaluationReportSchema>
