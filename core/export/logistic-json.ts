import { utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { columnWidth, dataEnds, featureColumns, type Inputs } from '../plan/data.ts'
import { tensorsIn } from '../tensors/layout.ts'
import { checkWeights, type ModelFile, type WeightsInput } from './exported.ts'
import { inputNames, outputNames } from './input-names.ts'

/** A version has this export up to so many parameters: some MiB of text. */
export const LOGISTIC_PARAMETERS = 100_000

const FORMULA = {
  binary: 'p(positive) = 1 / (1 + exp(-(intercept + sum over i of coefficients[i] * x[i])))',
  classes: 'z[k] = intercepts[k] + sum over i of coefficients[k][i] * x[i]; p(k) = exp(z[k]) / sum over j of exp(z[j])',
} as const

/**
 * A logistic model as plain JSON, for programs without a library: `logistic.json`, canonical. A binary model has
 * `positive`, `intercept` and `coefficients[i]`, one with classes `classes`, `intercepts[k]` and `coefficients[k][i]`. The
 * i-th input is `inputs[i]`: the value of a column, or 1 where the column has the category, else 0. With
 * `standardise: "per site"` every input, categories too, is (x − mean) / deviation by the population mean and deviation of
 * the site's own training rows, and 0 where its deviation is 0; with `standardise: "given"` the i-th is so by `scaling[i]`, and as
 * it is where that is null. Pixels are divided by `divideBy`.
 *
 * Throws `engine.model-unsupported` for other models, `tensors.malformed` when weights and layout do not go together.
 */
export function logisticJson(input: WeightsInput): ModelFile {
  const { name, model, data } = input
  if (!('logistic' in model)) {
    throw new ParleyError('engine.model-unsupported', 'only a logistic model is a list of coefficients')
  }
  checkWeights(input)
  const [bias, kernel] = coefficientParts(input)
  const { classes: units } = dataEnds(data)
  const inputs = inputNames(data)
  if (bias.length !== units || kernel.length !== units * inputs.length) {
    throw new ParleyError('tensors.malformed', 'the layout is not that of a logistic model of these data')
  }
  const outputs = outputNames(data)
  const coefficientsOf = (unit: number) => inputs.map((_, i) => kernel[i * units + unit] as number)
  const fitted =
    units === 1
      ? { intercept: bias[0] as number, coefficients: coefficientsOf(0) }
      : { intercepts: [...bias], coefficients: Array.from(bias, (_, unit) => coefficientsOf(unit)) }
  const document = {
    format: 'parley-logistic/1',
    model: name,
    ...outputs,
    inputs,
    ...fitted,
    ...standardisation(data),
    formula: units === 1 ? FORMULA.binary : FORMULA.classes,
  }
  return { name: 'logistic.json', bytes: utf8(canonicalJsonOfDefined(document)) }
}

/** What is done to inputs before they are multiplied. */
export function standardisation(data: Inputs) {
  if ('idx' in data) return { standardise: 'none', divideBy: data.idx.divideBy }
  const scaling = featureColumns(data.csv).flatMap((column) =>
    Array.from(
      { length: columnWidth(column) },
      () => (column.type === 'number' ? column.standardise : undefined) ?? null,
    ),
  )
  if (scaling.some((given) => given !== null)) return { standardise: 'given', scaling }
  return { standardise: data.csv.standardise ? 'per site' : 'none' }
}

/** Bias and kernel of the only layer; empty where the layout has none. */
export function coefficientParts({ layout, weights }: WeightsInput): [bias: Float32Array, kernel: Float32Array] {
  const parts = new Map(
    Array.from(tensorsIn(layout), ({ tensor, offset, length }) => [
      tensor.name,
      weights.subarray(offset, offset + length),
    ]),
  )
  return [parts.get('dense_1/bias') ?? new Float32Array(0), parts.get('dense_1/kernel') ?? new Float32Array(0)]
}
