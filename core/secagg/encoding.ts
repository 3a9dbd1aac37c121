import type { Crypto } from '../crypto/primitives.ts'
import { CHECKSUM_LANES, checksumOf, words } from './checksum.ts'
import type { SessionConfiguration } from './configuration.ts'

/**
 * Updates as integers modulo 2³² and back:
 *
 *     [ w ; w·q_1 + z_1 … w·q_d + z_d ; extras ; counts ; h_1, h_2 ]      q_j = ⌊u_j⌋ + Bernoulli(frac u_j),  u_j = (x_j + c)(2^b − 1)/(2c)
 *
 * with weight w, quantised coordinates q (stochastic rounding: unbiased, standard deviation at most c/(2^b − 1)), optional
 * integer noise z, further integers, counts and two checks. Where there is noise, whoever draws it has rounded as well, so that what
 * is bounded is what is added up: w·q_j is then w·(q_j − 2^(b−1)) shifted by w·2^(b−1), in steps of 2c/(2^b − 1). A
 * configuration that would let a sum wrap around does not parse.
 */
export type Encoding = Pick<
  SessionConfiguration,
  'coordinates' | 'bits' | 'clip' | 'weight' | 'noiseBound' | 'extras' | 'counts' | 'cohort'
>

export type Input = {
  /** d coordinates, finite; clipped to ±c here. Or, where the configuration has noise, integers in steps of 2c/(2^b − 1). */
  readonly values: Float32Array | Float64Array | Int32Array
  /** Within the limits of the configuration. */
  readonly weight: number
  /** d integers within ±noiseBound, drawn by the caller. */
  readonly noise?: Int32Array
  /** As many as the configuration names, from 0 to the largest of each. */
  readonly extras?: readonly number[]
  /** As many as the configuration says, each from 0 to its largest. */
  readonly counts?: Uint32Array
}

export type DecodedSum = {
  /** Σw. */
  readonly weight: number
  /** The weighted mean of the coordinates. */
  readonly mean: Float32Array
  readonly extras: readonly number[]
  readonly counts: Uint32Array
}

export type DecodeFailure =
  | 'weight-out-of-range'
  | 'lane-out-of-range'
  | 'extra-out-of-range'
  | 'count-out-of-range'
  | 'checksum-mismatch'
export type Decoded = ({ readonly ok: true } & DecodedSum) | { readonly ok: false; readonly failure: DecodeFailure }

const RANDOM_PIECE = 64 * 1024

export function laneCount({ coordinates, extras, counts }: Encoding): number {
  return 1 + coordinates + extras.length + (counts?.length ?? 0) + CHECKSUM_LANES
}

/** Bytes of a masked vector. */
export function vectorBytes(encoding: Encoding): number {
  return 4 * laneCount(encoding)
}

/** The lanes of one client. RangeError for anything that lies outside the configuration, and for values that are not finite. */
export function encodeInput(
  crypto: Crypto,
  encoding: Encoding,
  checksum: Uint8Array,
  input: Input,
  randomBytes: (length: number) => Uint8Array,
): Uint32Array {
  checkInput(encoding, input)
  const lanes = new Uint32Array(laneCount(encoding))
  lanes[0] = input.weight
  const coordinates = lanes.subarray(1, 1 + encoding.coordinates)
  if (input.values instanceof Int32Array) centre(encoding, input.values, input.weight, coordinates)
  else quantise(encoding, input.values, input.weight, coordinates, randomBytes)
  if (input.noise !== undefined) addNoise(encoding, input.noise, lanes.subarray(1))
  lanes.set(input.extras ?? [], 1 + encoding.coordinates)
  lanes.set(input.counts ?? [], 1 + encoding.coordinates + encoding.extras.length)
  lanes.set(checksumOf(crypto, checksum, lanes.subarray(0, -CHECKSUM_LANES)), lanes.length - CHECKSUM_LANES)
  return lanes
}

/**
 * The weighted mean in an unmasked sum over `contributors` clients, or why it cannot be one: weights out of range, a lane
 * that no honest clients produce, checks that do not fit. RangeError when the number of lanes is wrong.
 */
export function decodeSum(
  crypto: Crypto,
  encoding: Encoding,
  checksum: Uint8Array,
  lanes: Uint32Array,
  contributors: number,
): Decoded {
  if (lanes.length !== laneCount(encoding)) throw new RangeError(`a sum has ${lanes.length} lanes`)
  const { coordinates, clip, bits } = encoding
  const weight = lanes[0] as number
  if (weight < contributors * encoding.weight.min || weight > contributors * encoding.weight.max) {
    return { ok: false, failure: 'weight-out-of-range' }
  }
  const afterExtras = 1 + coordinates + encoding.extras.length
  const extras = Array.from(lanes.subarray(1 + coordinates, afterExtras))
  if (extras.some((value, i) => value > contributors * (encoding.extras[i]?.max ?? 0))) {
    return { ok: false, failure: 'extra-out-of-range' }
  }
  const counts = lanes.slice(afterExtras, -CHECKSUM_LANES)
  const mostCounts = contributors * (encoding.counts?.max ?? 0)
  if (counts.some((value) => value > mostCounts)) return { ok: false, failure: 'count-out-of-range' }
  const mean = new Float32Array(coordinates)
  const noise = contributors * encoding.noiseBound
  // Shifted by the largest noise, honest lanes run from 0 without wrapping round.
  const highest = weight * (2 ** bits - 1) + 2 * noise
  const step = (2 * clip) / ((2 ** bits - 1) * weight)
  const zero = isCentred(encoding) ? 2 ** (bits - 1) * step * weight : clip
  for (let j = 0; j < coordinates; j++) {
    const shifted = ((lanes[1 + j] as number) + noise) >>> 0
    if (shifted > highest) return { ok: false, failure: 'lane-out-of-range' }
    mean[j] = (shifted - noise) * step - zero
  }
  const [first, second] = checksumOf(crypto, checksum, lanes.subarray(0, -CHECKSUM_LANES))
  if (first !== lanes[lanes.length - 2] || second !== lanes[lanes.length - 1]) {
    return { ok: false, failure: 'checksum-mismatch' }
  }
  return { ok: true, weight, mean, extras, counts }
}

function checkInput(encoding: Encoding, { values, weight, noise, extras = [], counts = NONE }: Input): void {
  const { coordinates, weight: limits } = encoding
  if (values instanceof Int32Array !== isCentred(encoding)) {
    throw new RangeError('integers are expected where the configuration has noise, else real numbers')
  }
  if (values.length !== coordinates) throw new RangeError(`${values.length} values for ${coordinates} coordinates`)
  if (!Number.isInteger(weight) || weight < limits.min || weight > limits.max) {
    throw new RangeError(`a weight of ${weight} is not an integer from ${limits.min} to ${limits.max}`)
  }
  if (noise !== undefined && noise.length !== coordinates) throw new RangeError('noise has another length than values')
  if (extras.length !== encoding.extras.length) throw new RangeError(`${encoding.extras.length} extras are expected`)
  for (const [i, { name, max }] of encoding.extras.entries()) {
    const value = extras[i]
    if (!Number.isInteger(value) || value === undefined || value < 0 || value > max) {
      throw new RangeError(`${name} is not an integer from 0 to ${max}`)
    }
  }
  const { length, max } = encoding.counts ?? { length: 0, max: 0 }
  if (counts.length !== length) throw new RangeError(`${length} counts are expected, not ${counts.length}`)
  if (counts.some((value) => value > max)) throw new RangeError(`a count is above ${max}`)
}

const NONE = new Uint32Array(0)

/** Whether coordinates come as integers around 0. */
function isCentred({ noiseBound }: Pick<Encoding, 'noiseBound'>): boolean {
  return noiseBound > 0
}

function centre({ bits }: Encoding, values: Int32Array, weight: number, lanes: Uint32Array): void {
  const half = 2 ** (bits - 1)
  for (let j = 0; j < values.length; j++) {
    lanes[j] = weight * (Math.max(-half, Math.min(half - 1, values[j] as number)) + half)
  }
}

function quantise(
  { clip, bits }: Encoding,
  values: Float32Array | Float64Array,
  weight: number,
  lanes: Uint32Array,
  randomBytes: (length: number) => Uint8Array,
): void {
  const levels = 2 ** bits - 1
  const scale = levels / (2 * clip)
  for (let at = 0; at < values.length; at += RANDOM_PIECE / 4) {
    const end = Math.min(values.length, at + RANDOM_PIECE / 4)
    const chance = words(randomBytes(4 * (end - at)))
    for (let j = at; j < end; j++) {
      const value = values[j] as number
      if (!(value - value === 0)) throw new RangeError(`value ${j} is not finite`)
      const clipped = Math.max(-clip, Math.min(clip, value))
      // ⌊u + r⌋ with r uniform in [0, 1) is ⌊u⌋ + Bernoulli(frac u); 32 random bits make that exact to 2⁻³².
      const level = Math.floor((clipped + clip) * scale + ((chance[j - at] as number) >>> 0) * 2 ** -32)
      lanes[j] = weight * Math.min(level, levels)
    }
  }
}

function addNoise({ noiseBound }: Encoding, noise: Int32Array, lanes: Uint32Array): void {
  for (let j = 0; j < noise.length; j++) {
    const value = noise[j] as number
    if (value > noiseBound || value < -noiseBound) throw new RangeError(`noise ${j} is beyond ±${noiseBound}`)
    lanes[j] = (lanes[j] as number) + value
  }
}
