import { z } from 'zod'
import type { Crypto } from '../crypto/primitives.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'
import { digestField, idField, roundField } from '../run/fields.ts'
import { digestOf, PROTOCOL } from './transcript.ts'

/** Lanes are integers modulo 2³². */
export const MODULUS = 2 ** 32
const MOST_COUNTS = 2 ** 20
/** Points of shares are 16-bit integers. */
const MAX_COHORT = 65_535

const rate = z.number().min(0).lt(1)
const count = z.number().int().min(1).max(MAX_COHORT)
const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(7 * 24 * 3_600_000)

const graphSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('complete'), threshold: count }),
  z.strictObject({ kind: z.literal('regular'), degree: count, threshold: count }),
])

/**
 * Everything that both sides of one session agree on. The coordinator signs it; its hash is in every signature and in every
 * mask key, so that clients with different configurations, or different weights, produce masks that do not cancel.
 */
export const sessionConfigurationSchema = z
  .strictObject({
    v: z.literal(1),
    protocol: z.literal(PROTOCOL),
    task: idField,
    round: roundField,
    /** 16 random bytes, lower-case hex. */
    session: z.string().regex(/^[0-9a-f]{32}$/, '16 bytes in lower-case hex'),
    /** SHA-256 of the exact weights, the layout and the training configuration. */
    model: digestField,
    /** Coordinates of an update; none where counts alone are summed. */
    coordinates: z
      .number()
      .int()
      .min(0)
      .max(2 ** 28),
    /** Bits of a quantised coordinate. */
    bits: z.number().int().min(2).max(24),
    /** Coordinates are clipped to ±clip. */
    clip: z.number().positive().finite(),
    modulusBits: z.literal(32),
    weight: z.strictObject({ min: z.number().int().min(1), max: z.number().int().min(1) }),
    /** Largest absolute value of the noise that one client adds to a lane; 0 for none. */
    noiseBound: z
      .number()
      .int()
      .min(0)
      .max(2 ** 31),
    /** Further non-negative integers that are summed exactly: their names and largest values. */
    extras: z.array(z.strictObject({ name: idField, max: z.number().int().min(1) })).max(1_024),
    /** Non-negative integers up to `max`, as many as `length`, that are summed exactly: the counts of an evaluation. */
    counts: z
      .strictObject({ length: z.number().int().min(1).max(MOST_COUNTS), max: z.number().int().min(1) })
      .exactOptional(),
    /** n: clients that were asked. */
    cohort: count,
    /** n_min: fewest clients in a sum. */
    minimum: count,
    threat: z.strictObject({
      corrupted: rate,
      dropouts: rate,
      server: z.enum(['semi-honest', 'semi-malicious', 'malicious']),
    }),
    graph: graphSchema,
    /** Sums over buckets of at least `size` clients, opened with at least `minSurvivors` of them; null for one sum. */
    buckets: z.strictObject({ size: count, minSurvivors: count }).nullable(),
    /** SHA-256 of the coordinator's coin, which is opened with the roster. */
    coin: digestField,
    /** The public beacon whose value, published after keys were collected, enters both permutations; null for none. */
    beacon: idField.nullable(),
    /** How long each phase may take. */
    deadlines: z.strictObject({
      advertise: milliseconds,
      share: milliseconds,
      input: milliseconds,
      survivors: milliseconds,
      unmask: milliseconds,
    }),
  })
  .superRefine((configuration, context) => {
    for (const [path, message] of contradictions(configuration)) {
      context.addIssue({ code: 'custom', path: path.split('.'), message })
    }
  })

export type SessionConfiguration = z.infer<typeof sessionConfigurationSchema>

/** SHA-256 over the domain string and the canonical JSON: 32 bytes. */
export function configHashOf(crypto: Crypto, configuration: SessionConfiguration): Uint8Array {
  return digestOf(crypto, 'config', canonicalJson(configuration))
}

function* contradictions(of: SessionConfiguration): Generator<[path: string, message: string]> {
  const { cohort, weight, graph, buckets, noiseBound } = of
  if (weight.min > weight.max) yield ['weight.min', 'is above weight.max']
  if (of.minimum > cohort) yield ['minimum', 'is above the cohort']
  if (graph.threshold > cohort) yield ['graph.threshold', 'is above the cohort']
  if (graph.kind === 'regular' && (graph.degree % 2 === 1 || graph.degree >= cohort - 1)) {
    yield ['graph.degree', 'is even and below the cohort less one']
  }
  if (graph.kind === 'regular' && graph.threshold > graph.degree) yield ['graph.threshold', 'is above the degree']
  if (buckets !== null && buckets.size > cohort) yield ['buckets.size', 'is above the cohort']
  if (buckets !== null && buckets.minSurvivors > buckets.size) yield ['buckets.minSurvivors', 'is above the size']
  if (buckets !== null && weight.max !== 1) yield ['weight.max', 'is 1 with buckets: a weight would be visible']
  // Wrap-around cannot be noticed, so that there must be no room for it.
  if (cohort * weight.max * (2 ** of.bits - 1) + 2 * cohort * noiseBound >= MODULUS) {
    yield ['bits', 'cohort·weight·(2^bits − 1) and the noise do not fit below 2³²']
  }
  for (const [i, extra] of of.extras.entries()) {
    if (cohort * extra.max >= MODULUS) yield [`extras.${i}.max`, 'the sum over the cohort does not fit below 2³²']
  }
  if (of.counts !== undefined && cohort * of.counts.max >= MODULUS) {
    yield ['counts.max', 'the sum over the cohort does not fit below 2³²']
  }
  if (of.coordinates === 0 && of.counts === undefined) yield ['coordinates', 'there is nothing to be summed']
  if (new Set(of.extras.map(({ name }) => name)).size !== of.extras.length) yield ['extras', 'a name occurs twice']
}
