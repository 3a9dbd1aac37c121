import { z } from 'zod'

type Choices = Record<string, z.ZodType>

type Output<C extends Choices, Rest extends z.ZodRawShape> = {
  [Name in keyof C]: { [Key in Name]: z.output<C[Name]> }
}[keyof C] &
  (keyof Rest extends never ? unknown : z.output<z.ZodObject<Rest>>)

type Input<C extends Choices, Rest extends z.ZodRawShape> = {
  [Name in keyof C]: { [Key in Name]: z.input<C[Name]> }
}[keyof C] &
  (keyof Rest extends never ? unknown : z.input<z.ZodObject<Rest>>)

/**
 * A strict object with exactly one of the keys of `choices`, and besides it the keys of `rest`. Unlike a union of objects
 * it reports an unknown key as what it is, and a mistake inside the chosen key at its own path.
 */
export function oneOf<C extends Choices, Rest extends z.ZodRawShape = Record<never, never>>(
  choices: C,
  rest?: Rest,
): z.ZodType<Output<C, Rest>, Input<C, Rest>> {
  const names = Object.keys(choices)
  const optional = Object.fromEntries(Object.entries(choices).map(([name, schema]) => [name, schema.optional()]))
  const object = z
    .strictObject({ ...optional, ...rest })
    .refine((value) => names.filter((name) => (value as Record<string, unknown>)[name] !== undefined).length === 1, {
      message: `give exactly one of ${names.join(', ')}`,
    })
    .meta({ oneOf: names.map((name) => ({ required: [name] })) })
  // The refinement above is what makes the type of the union true; zod cannot derive it.
  return object as unknown as z.ZodType<Output<C, Rest>, Input<C, Rest>>
}

/** Units of one layer: bounded so that a plan cannot ask a hospital's node for more memory than it has. */
const units = z.int().min(1).max(65_536)
const dropout = z.number().min(0).max(0.9).default(0).describe('share of units that are dropped in training')

const activation = z.enum(['relu', 'tanh', 'sigmoid', 'elu']).default('relu')

const logistic = z.strictObject({
  l2: z.number().min(0).max(1_000).default(0).describe('weight decay of the kernel, not of the bias: l2/2 · ‖w‖²'),
})

const linear = z.strictObject({
  l2: z.number().min(0).max(1_000).default(0).describe('weight decay of the kernel, not of the bias: l2/2 · ‖w‖²'),
})

const mlp = z.strictObject({
  hidden: z.array(units).min(1).max(32).describe('units of each hidden layer, from the input on'),
  activation,
  dropout,
})

const cnn = z.strictObject({
  filters: z.array(z.int().min(1).max(4_096)).min(1).max(16).describe('filters of each convolution'),
  kernel: z.int().min(1).max(15).default(5).describe('height and width of the filters'),
  pool: z.int().min(1).max(8).default(2).describe('max-pooling after each convolution; 1 is none'),
  dense: units.optional().describe('units of a hidden layer between the convolutions and the output; absent is none'),
  activation,
  dropout: dropout.describe('share of the dense layer’s units that are dropped in training'),
})

/**
 * What is trained. The last layer follows from the data: one unit for a binary label (a logit) or a numeric one (a share of its
 * range), one per class else.
 *
 * - `logistic`: logistic (or softmax) regression;
 * - `linear`: linear regression, for numeric labels;
 * - `mlp`: fully connected layers; an image is flattened;
 * - `cnn`: convolution with padding `same`, activation, max-pooling, as often as `filters` says; then dense layers;
 * - `layers`: a topology as TF.js layers' `model.toJSON(null, false)` gives it. Its last layer has as many units as the data
 *   has outputs and gives logits; an activation `sigmoid` (binary) or `softmax` (classes) at its end is taken for the same.
 *   Of a numeric label it gives the share of the range as it is.
 */
export const modelSchema = oneOf({
  logistic,
  linear,
  mlp,
  cnn,
  layers: z.record(z.string(), z.json()).describe('TF.js layers topology'),
})

export type Model = z.output<typeof modelSchema>
export type Logistic = z.output<typeof logistic>
export type Mlp = z.output<typeof mlp>
export type Cnn = z.output<typeof cnn>
