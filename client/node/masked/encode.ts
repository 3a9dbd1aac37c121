import type { Crypto } from '../../../core/crypto/primitives.ts'
import { privateClipFactor } from '../../../core/privacy/index.ts'
import { checksumKey, configHashOf, encodeInput, type SessionConfiguration } from '../../../core/secagg/index.ts'
import type { TrainResult } from '../../training/ports.ts'
import type { Difference } from '../difference.ts'
import { scale, subtract } from '../update.ts'

/** The update `result.weights − base` as the lanes of a masked round, clipped to `clip` where the plan clips. */
export function encodeUpdate(
  crypto: Crypto,
  difference: Difference,
  configuration: SessionConfiguration,
  base: Float32Array,
  result: TrainResult,
  clip: number | undefined,
): Uint32Array {
  const values = new Float32Array(base.length)
  subtract(difference, result.weights, base, values)
  const norm = normOf(values)
  if (clip !== undefined) {
    const factor = privateClipFactor(norm, clip)
    if (factor !== 1) scale(values, factor)
  }
  const { weight, extras } = configuration
  const key = checksumKey(crypto, configHashOf(crypto, configuration))
  const input = {
    values,
    weight: Math.max(weight.min, Math.min(weight.max, result.samples)),
    extras: extras.map(({ name }) => (name === 'unclipped' && norm <= (clip ?? norm) ? 1 : 0)),
  }
  return encodeInput(crypto, configuration, key, input, (length) => crypto.randomBytes(length))
}

function normOf(values: Float32Array): number {
  let sum = 0
  for (let j = 0; j < values.length; j++) sum += (values[j] as number) * (values[j] as number)
  return Math.sqrt(sum)
}
