import { z } from 'zod'
import { readCanonical } from '../attestation/json-payload.ts'
import { equalBytes, utf8 } from '../encoding/bytes.ts'
import { canonicalJsonOfDefined } from '../encoding/canonical-json.ts'
import { ParleyError } from '../errors/index.ts'
import { cellSchema, csvSchema, dataEnds, type Inputs, idxSchema } from '../plan/data.ts'
import { modelSchema, oneOf } from '../plan/model.ts'
import { defaultLimits } from '../wire/limits.ts'
import type { ExportInput, ModelFile } from './exported.ts'
import { outputNames } from './input-names.ts'
import { finalActivation } from './keras.ts'

const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const cells = z.array(cellSchema).max(100_000)

/**
 * The file `config.json` of a version: what its weights are weights of, enough to build the model and to prepare inputs
 * without the plan.
 *
 * - `architecture`, `preprocessing`: as the plan's sections `model` and `data`, with all defaults;
 * - `input.shape`: one example, `[inputs]` or `[height, width, channels]`;
 * - `layout`: the tensors of `model.safetensors`, in the order of their data;
 * - `postprocessing`: what makes probabilities of the model's last values, and of what; of a numeric label the last value v is a
 *   share of its range, and the prediction is min + v · (max − min), no less than min and no more than max.
 */
export const configSchema = z.strictObject({
  format: z.literal('parley-config/1'),
  model: z.string().min(1).max(100),
  architecture: modelSchema,
  input: z.strictObject({ shape: z.array(size).min(1).max(8) }),
  layout: z
    .array(z.strictObject({ name: z.string().min(1).max(1_000), shape: z.array(size).max(64) }))
    .max(defaultLimits.tensors),
  preprocessing: oneOf({ csv: csvSchema, idx: idxSchema }),
  postprocessing: oneOf(
    {
      positive: oneOf({ above: z.number(), values: cells }),
      classes: cells,
      numeric: z.strictObject({ min: z.number(), max: z.number() }),
    },
    { activation: z.enum(['sigmoid', 'softmax', 'linear']) },
  ),
})

export type ModelConfig = z.output<typeof configSchema>

/** `config.json` of a version, canonical JSON. The same model gives the same bytes. */
export function configJson({ name, model, data, layout }: ExportInput): ModelFile {
  const ends = dataEnds(data)
  const config = {
    format: 'parley-config/1',
    model: name,
    architecture: model,
    input: { shape: [...ends.shape] },
    layout: layout.map((tensor) => ({ name: tensor.name, shape: [...tensor.shape] })),
    preprocessing: inputsOf(data),
    postprocessing: { activation: finalActivation(ends), ...outputNames(data) },
  }
  return { name: 'config.json', bytes: utf8(canonicalJsonOfDefined(config)) }
}

/**
 * Reads `config.json` back into what the exports take. Throws `verify.failed` unless it is canonical, of the schema's form,
 * and says the same of the ends of the model as its architecture and its data do.
 */
export function readConfig(bytes: Uint8Array): ExportInput {
  if (bytes.length > defaultLimits.headerBytes) {
    throw new ParleyError('verify.failed', `config.json has more than ${defaultLimits.headerBytes} bytes`)
  }
  const {
    model: name,
    architecture: model,
    preprocessing: data,
    layout,
  } = readCanonical(configSchema, bytes, 'config.json')
  const read = { name, model, data, layout }
  if (equalBytes(configJson(read).bytes, bytes)) return read
  throw new ParleyError('verify.failed', 'config.json has an input or an output that is not that of its data')
}

/** Without how the rows were split, which is of no use to whoever has the model. */
function inputsOf(data: Inputs): Inputs {
  return 'csv' in data ? { csv: data.csv } : { idx: data.idx }
}
