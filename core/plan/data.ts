import { z } from 'zod'
import { ParleyError } from '../errors/index.ts'
import type { EvaluationCounts, LabelRange } from '../metrics/counts.ts'
import { type Model, oneOf } from './model.ts'

const name = z.string().min(1).max(200)
/** A value as it stands in a cell. Numbers and text that reads as the same number are equal: `1`, `"1"` and `"1.0"`. */
export const cellSchema = z.union([z.number(), z.string().max(1_000)])

const number = z.strictObject({
  name,
  type: z.literal('number'),
  min: z.number().optional().describe('a smaller value makes the row a bad row'),
  max: z.number().optional().describe('a larger value makes the row a bad row'),
  missing: z
    .union([z.literal('drop-row'), z.literal('mean'), z.number()])
    .default('drop-row')
    .describe('what a missing value becomes: no row, the mean of the client’s own training rows, or this number'),
  standardise: z
    .strictObject({ mean: z.number().min(-1e12).max(1e12), deviation: z.number().gt(0).max(1e12) })
    .optional()
    .describe(
      'subtract this mean, which `missing: mean` means as well, and divide by this deviation: the same at every client',
    ),
})

const category = z.strictObject({
  name,
  type: z.literal('category'),
  values: z.array(cellSchema).min(2).max(10_000).describe('the categories in order: one input each'),
  dropFirst: z.boolean().default(false).describe('the first category gets no input: all zeros stand for it'),
  missing: z
    .union([z.literal('drop-row'), z.literal('zeros')])
    .default('drop-row')
    .describe('what a missing value becomes: no row, or zeros in all its inputs'),
})

const target = z.strictObject({ name, type: z.literal('label') })
const dropped = z.strictObject({ name, type: z.literal('drop') })

const positive = oneOf({
  above: z.number().describe('the label is positive when the number is larger than this'),
  values: z.array(cellSchema).min(1).max(10_000).describe('the label is positive when it is one of these'),
})

const end = z.number().min(-1e12).max(1e12)

const numeric = z
  .strictObject({
    min: end.describe('the least value of the label; a row with a smaller one is a bad row'),
    max: end.describe('the largest value of the label; a row with a larger one is a bad row'),
  })
  .refine(({ min, max }) => min < max, { message: 'min is not below max', path: ['max'] })
  .describe('the label is a number of this range, which bounds what one row can do to a figure')

const label = oneOf({
  positive,
  numeric,
  classes: z.array(cellSchema).min(2).max(100_000).describe('the classes in order'),
})

export const csvSchema = z
  .strictObject({
    delimiter: z.string().length(1).default(',').describe('one character'),
    header: z
      .boolean()
      .default(true)
      .describe('true: columns are found by the names in the first line, in any order, and others are ignored'),
    missing: z.array(z.string().max(100)).max(100).default(['', '?', 'NA']).describe('cells that mean: no value'),
    columns: z
      .array(z.discriminatedUnion('type', [number, category, target, dropped]))
      .min(1)
      .max(100_000)
      .describe('what each column is; without a header all of them, in the order of the file'),
    label: label.describe('how the cells of the column of type label are read'),
    standardise: z
      .boolean()
      .default(false)
      .describe('subtract the mean and divide by the standard deviation of the client’s own training rows'),
  })
  .check((context) => {
    const { columns } = context.value
    const report = (message: string, path: PropertyKey[]) =>
      context.issues.push({ code: 'custom', message, path, input: context.value })
    const names = columns.map((column) => column.name)
    const repeated = names.findIndex((name, i) => names.indexOf(name) !== i)
    if (repeated >= 0) report(`the column ${names[repeated]} stands twice`, ['columns', repeated, 'name'])
    if (columns.filter((column) => column.type === 'label').length !== 1) {
      report('exactly one column is of type label', ['columns'])
    }
    const given = columns.findIndex((column) => column.type === 'number' && column.standardise !== undefined)
    if (context.value.standardise && given >= 0) {
      report('stands in single columns and for all of them: choose one', ['columns', given, 'standardise'])
    }
    if (featureColumns(context.value).length === 0) report('leaves no column to train on', ['columns'])
  })

export const idxSchema = z.strictObject({
  shape: z
    .union([
      z.tuple([z.int().min(1).max(4_096), z.int().min(1).max(4_096)]),
      z.tuple([z.int().min(1).max(4_096), z.int().min(1).max(4_096), z.int().min(1).max(64)]),
    ])
    .default([28, 28])
    .describe('height, width and, unless it is 1, channels'),
  classes: z.int().min(2).max(65_536).default(10).describe('labels are 0 … classes − 1'),
  divideBy: z.number().positive().default(255).describe('pixels are divided by this'),
})

const split = z.strictObject({
  test: z.number().gt(0).lt(1).default(0.2).describe('share of held-out rows, rounded up to whole rows'),
  stratified: z
    .boolean()
    .default(true)
    .describe('each class, or each tenth of the range of a numeric label, has the same share of held-out rows'),
  seed: z.int().min(0).default(0),
})

/**
 * What a client's data looks like, and how it becomes inputs and labels. Exactly one of
 *
 * - `csv`: a table; one input per number, one per category;
 * - `idx`: a file of images and a file of labels in the IDX format (MNIST), plain or gzip.
 */
export const dataSchema = oneOf({ csv: csvSchema, idx: idxSchema }, { split: split.prefault({}) })

export type Data = z.output<typeof dataSchema>
export type Csv = z.output<typeof csvSchema>
export type Idx = z.output<typeof idxSchema>
/** How a client's data become inputs and labels, without how they are split. */
export type Inputs = { readonly csv: Csv } | { readonly idx: Idx }
export type Split = z.output<typeof split>
export type NumberColumn = z.output<typeof number>
export type CategoryColumn = z.output<typeof category>
export type Column = Csv['columns'][number]
export type Cell = z.output<typeof cellSchema>

/** The columns that become inputs, in their order. */
export function featureColumns(csv: Pick<Csv, 'columns'>): (NumberColumn | CategoryColumn)[] {
  return csv.columns.filter((column) => column.type === 'number' || column.type === 'category')
}

/** Inputs that one column becomes. */
export function columnWidth(column: NumberColumn | CategoryColumn): number {
  return column.type === 'number' ? 1 : column.values.length - (column.dropFirst ? 1 : 0)
}

/** What the data section says of a client's data before any is read. */
export type DataEnds = {
  /** Shape of one example: `[inputs]` for a table, `[height, width, channels]` for images. */
  readonly shape: readonly number[]
  /** 1 for a binary or a numeric label, the number of classes else. */
  readonly classes: number
  /** The range of a numeric label; absent for others. */
  readonly numeric?: LabelRange
}

export function dataEnds(data: Inputs): DataEnds {
  if ('idx' in data) {
    const [height, width, channels] = data.idx.shape
    return { shape: [height, width, channels ?? 1], classes: data.idx.classes }
  }
  const { label } = data.csv
  const inputs = featureColumns(data.csv).reduce((sum, column) => sum + columnWidth(column), 0)
  if ('numeric' in label) return { shape: [inputs], classes: 1, numeric: label.numeric }
  return { shape: [inputs], classes: 'classes' in label ? label.classes.length : 1 }
}

/** What goes into a model and what comes out of it. */
export type ModelEnds = {
  /** Shape of one example, without the batch axis. */
  readonly input: readonly number[]
  readonly task: EvaluationCounts['task']
  /** Outputs: 1 (a logit, or a share of the label's range) for a binary or a numeric label, one logit per class else. */
  readonly units: number
  /** The range of a numeric label; absent for others. */
  readonly numeric?: LabelRange
}

/**
 * The ends of the plan's model on the plan's data, without looking at data. Fails with `plan.invalid` where they do not
 * fit: a `cnn` needs images, `logistic` classes and `linear` a number. A `layers` topology is checked against them when it is built.
 */
export function modelEnds(model: Model, data: Inputs | DataEnds): ModelEnds {
  const { shape, classes, numeric } = 'shape' in data ? data : dataEnds(data)
  if ('cnn' in model && shape.length !== 3) throw new ParleyError('plan.invalid', 'model.cnn needs images: data.idx')
  if ('logistic' in model && numeric !== undefined) {
    throw new ParleyError(
      'plan.invalid',
      'model.logistic needs a label of classes; of a numeric one it is model.linear',
    )
  }
  if ('linear' in model && numeric === undefined) {
    throw new ParleyError('plan.invalid', 'model.linear needs data.csv.label.numeric; of classes it is model.logistic')
  }
  const flat = 'logistic' in model || 'linear' in model || 'mlp' in model
  return {
    input: flat ? [shape.reduce((product, size) => product * size, 1)] : shape,
    task: numeric !== undefined ? 'regression' : classes === 1 ? 'binary' : 'classes',
    units: classes,
    ...(numeric === undefined ? {} : { numeric }),
  }
}
