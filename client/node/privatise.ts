import type { Crypto } from '../../core/crypto/primitives.ts'
import { type FrozenTensor, zeroFrozen } from '../../core/plan/freeze.ts'
import type { RoundPrivacy } from '../../core/plan/round-privacy.ts'
import {
  addGridGaussian,
  DiscreteGaussian,
  privateClipFactor,
  RandomWords,
  roundRandomly,
} from '../../core/privacy/index.ts'
import {
  checksumKey,
  configHashOf,
  encodeInput,
  type Input,
  type SessionConfiguration,
} from '../../core/secagg/index.ts'
import type { TrainResult } from '../training/ports.ts'
import type { Difference } from './difference.ts'
import { type Privatised, scale, subtract } from './update.ts'

type Random = Pick<Crypto, 'randomBytes'>

/**
 * What is done to the update `result.weights − base` before it is sealed. Nothing where the plan does not clip. What is
 * `frozen` gets no noise: it is zero whatever the data are, and gives nothing of them away.
 */
export function privatisedOf(
  { randomBytes }: Random,
  base: Float32Array,
  result: TrainResult,
  privacy: RoundPrivacy | undefined,
  frozen: readonly FrozenTensor[] = [],
): Privatised {
  if (privacy === undefined) return { factor: 1 }
  const { clip, adaptive, noise } = privacy
  const norm = distance(result.weights, base)
  return {
    factor: factorOf(norm, clip),
    ...(adaptive === undefined ? {} : { unclipped: norm <= clip }),
    ...(noise?.kind === 'local'
      ? {
          addNoise: (values, at) => {
            addGridGaussian(values, noise.sigma, randomBytes)
            zeroFrozen(values, at, frozen)
          },
        }
      : {}),
  }
}

/**
 * The update as the lanes of a masked round: clipped, with the coordinate that counts whether it was within the norm, with
 * the client's part of the noise, each where the plan says so.
 */
export function encodeUpdate(
  crypto: Crypto,
  difference: Difference,
  configuration: SessionConfiguration,
  base: Float32Array,
  result: TrainResult,
  privacy: RoundPrivacy | undefined,
): Uint32Array {
  const coordinates = new Float32Array(configuration.coordinates)
  const values = coordinates.subarray(0, base.length)
  subtract(difference, result.weights, base, values)
  if (privacy !== undefined) {
    const norm = distance(result.weights, base)
    const factor = factorOf(norm, privacy.clip)
    if (factor !== 1) scale(values, factor)
    const { indicator } = privacy
    if (indicator !== undefined) coordinates[base.length] = norm <= privacy.clip ? indicator : -indicator
    if (privacy.noise?.kind === 'local') addGridGaussian(values, privacy.noise.sigma, crypto.randomBytes)
  }
  const { weight } = configuration
  const input: Input = {
    ...integersOf(crypto, coordinates, privacy),
    weight: Math.max(weight.min, Math.min(weight.max, result.samples)),
  }
  const key = checksumKey(crypto, configHashOf(crypto, configuration))
  return encodeInput(crypto, configuration, key, input, (length) => crypto.randomBytes(length))
}

/** With a part of the noise the update is rounded so that its norm stays what the noise is made for. */
function integersOf(
  { randomBytes }: Random,
  values: Float32Array,
  privacy: RoundPrivacy | undefined,
): Pick<Input, 'values' | 'noise'> {
  const noise = privacy?.noise
  if (noise?.kind !== 'distributed') return { values }
  const words = new RandomWords(randomBytes)
  const drawn = new Int32Array(values.length)
  new DiscreteGaussian(noise.sigma).fill(drawn, words)
  return { values: roundRandomly(values, noise.scale, noise.roundedNorm, words), noise: drawn }
}

/** An update that is not finite is found later, and with a better name. */
function factorOf(norm: number, clip: number): number {
  return Number.isFinite(norm) ? privateClipFactor(norm, clip) : 1
}

/** ‖a − b‖. */
function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let j = 0; j < a.length; j++) {
    const d = Math.fround((a[j] as number) - (b[j] as number))
    sum += d * d
  }
  return Math.sqrt(sum)
}
