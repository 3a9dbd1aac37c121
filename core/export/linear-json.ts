import { utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { dataEnds } from '../plan/data.ts'
import { checkWeights, type ModelFile, type WeightsInput } from './exported.ts'
import { inputNames } from './input-names.ts'
import { coefficientParts, standardisation } from './logistic-json.ts'

/**
 * A linear model as plain JSON, for programs without a library: `linear.json`, canonical. `inputs` and `standardise` are those of
 * `logisticJson`; `intercept` and `coefficients[i]` are in the unit of the label, and a prediction outside of `numeric.min` and
 * `numeric.max` is the nearer of them.
 *
 * Throws `engine.model-unsupported` for other models, `tensors.malformed` when weights and layout do not go together.
 */
export function linearJson(input: WeightsInput): ModelFile {
  const { name, model, data } = input
  const { numeric } = dataEnds(data)
  if (!('linear' in model) || numeric === undefined) {
    throw new ParleyError('engine.model-unsupported', 'only a linear model is a list of coefficients of a number')
  }
  checkWeights(input)
  const [bias, kernel] = coefficientParts(input)
  const inputs = inputNames(data)
  if (bias.length !== 1 || kernel.length !== inputs.length) {
    throw new ParleyError('tensors.malformed', 'the layout is not that of a linear model of these data')
  }
  const { min, max } = numeric
  const document = {
    format: 'parley-linear/1',
    model: name,
    numeric: { min, max },
    inputs,
    intercept: min + (max - min) * (bias[0] as number),
    coefficients: Array.from(kernel, (coefficient) => (max - min) * coefficient),
    ...standardisation(data),
    formula: 'y = min(max, max(min, intercept + sum over i of coefficients[i] * x[i]))',
  }
  return { name: 'linear.json', bytes: utf8(canonicalJsonOfDefined(document)) }
}
