import type { SessionConfiguration } from './configuration.ts'
import {
  ALWAYS_COMPLETE,
  COMPLETE_BY_DEFAULT,
  completeGraph,
  type Graph,
  regularGraph,
  type ServerClass,
} from './graph.ts'
import { type Refusal, refuse } from './refusal.ts'

/** What a client accepts. It is local: nothing that a coordinator sends changes it. */
export type ClientPolicy = {
  /** Fewest clients in a sum, at least 3: an update hides among those that do not collude. */
  readonly minimum: number
  /** The weakest assumption about the coordinator that the threshold may rest on. */
  readonly server: Exclude<ServerClass, 'none'>
  /** Smallest share of corrupted clients that the threshold must withstand. */
  readonly corrupted: number
  /** Identities this client knows from elsewhere: client id to Ed25519 key, lower-case hex. */
  readonly known: Readonly<Record<string, string>>
  /** Fewest known identities in the roster, among the members and among the survivors, itself included. */
  readonly minKnown: number
  /** Largest cohort for which nothing but the complete graph is accepted, at least 64. */
  readonly completeUpTo: number
  readonly bits: { readonly min: number; readonly max: number }
  readonly maxClip: number
  readonly maxWeight: number
  readonly maxCoordinates: number
  readonly maxExtras: number
  readonly buckets: {
    readonly minSize: number
    readonly minSurvivors: number
    /** Fewest known identities among the survivors of the own bucket. */
    readonly minKnown: number
  }
}

const LEAST = 3
const LEAST_IN_BUCKET = 2

/** A policy with the defaults of the project. RangeError when a limit would leave an update with nobody to hide among. */
export function clientPolicy(
  change: Partial<Omit<ClientPolicy, 'buckets'>> &
    Pick<ClientPolicy, 'known'> & { readonly buckets?: Partial<ClientPolicy['buckets']> },
): ClientPolicy {
  const minimum = change.minimum ?? 16
  const minSurvivors = change.buckets?.minSurvivors ?? 5
  const policy: ClientPolicy = {
    minimum,
    server: 'semi-malicious',
    corrupted: 0,
    minKnown: minimum,
    completeUpTo: COMPLETE_BY_DEFAULT,
    bits: { min: 4, max: 24 },
    maxClip: 100,
    maxWeight: 100_000,
    maxCoordinates: 2 ** 28,
    maxExtras: 64,
    ...change,
    buckets: { minSize: 8, minKnown: minSurvivors, ...change.buckets, minSurvivors },
  }
  if (policy.minimum < LEAST) throw new RangeError(`a sum of fewer than ${LEAST} clients hides nobody`)
  if (Math.min(policy.buckets.minSize, minSurvivors) < LEAST_IN_BUCKET) {
    throw new RangeError(`a bucket of fewer than ${LEAST_IN_BUCKET} clients hides nobody`)
  }
  return policy
}

const strength: Record<ClientPolicy['server'], number> = { 'semi-honest': 0, 'semi-malicious': 1, malicious: 2 }

/** Why this policy does not accept a configuration; undefined when it does. */
export function assess(configuration: SessionConfiguration, policy: ClientPolicy): Refusal | undefined {
  return (
    assessCohort(configuration, policy) ??
    assessEncoding(configuration, policy) ??
    assessGraph(configuration, policy) ??
    assessBuckets(configuration, policy)
  )
}

function assessCohort({ minimum, threat }: SessionConfiguration, policy: ClientPolicy): Refusal | undefined {
  if (minimum < policy.minimum)
    return refuse('policy-cohort', `sums of ${minimum} clients; ${policy.minimum} are needed`)
  if (strength[threat.server] < strength[policy.server]) {
    return refuse('policy-threat', `a ${threat.server} coordinator is assumed; ${policy.server} is needed`)
  }
  if (threat.corrupted < policy.corrupted) {
    return refuse('policy-threat', `${threat.corrupted} corrupted clients are assumed; ${policy.corrupted} is needed`)
  }
  return undefined
}

function assessEncoding(of: SessionConfiguration, policy: ClientPolicy): Refusal | undefined {
  // Counts alone are not quantised.
  if (of.coordinates > 0 && (of.bits < policy.bits.min || of.bits > policy.bits.max))
    return refuse('policy-encoding', `${of.bits} bits`)
  if (of.clip > policy.maxClip) return refuse('policy-encoding', `coordinates up to ${of.clip}`)
  if (of.weight.max > policy.maxWeight) return refuse('policy-encoding', `weights up to ${of.weight.max}`)
  if (of.coordinates > policy.maxCoordinates) return refuse('policy-encoding', `${of.coordinates} coordinates`)
  const counts = of.counts?.length ?? 0
  if (counts > policy.maxCoordinates) return refuse('policy-encoding', `${counts} counts`)
  if (of.extras.length > policy.maxExtras) return refuse('policy-encoding', `${of.extras.length} extras`)
  return undefined
}

/** The threshold, and the degree where there is one, must be what this client computes itself. */
function assessGraph(configuration: SessionConfiguration, policy: ClientPolicy): Refusal | undefined {
  const { graph, cohort, threat, beacon } = configuration
  const model = { clients: cohort, ...threat }
  if (graph.kind === 'regular' && cohort <= Math.max(policy.completeUpTo, ALWAYS_COMPLETE)) {
    return refuse('policy-graph', `${cohort} clients need the complete graph`)
  }
  if (graph.kind === 'regular' && threat.server === 'malicious' && beacon === null) {
    return refuse('policy-graph', 'a malicious coordinator could choose the ring: a beacon is needed')
  }
  const choice = graph.kind === 'complete' ? completeGraph(model) : regularGraph(model)
  if (!choice.ok) return refuse('policy-graph', choice.why)
  if (same(choice.graph, graph)) return undefined
  return refuse('policy-graph', `the threshold should be ${choice.graph.threshold} and is ${graph.threshold}`)
}

function same(a: Graph, b: Graph): boolean {
  if (a.kind === 'regular' && b.kind === 'regular' && a.degree !== b.degree) return false
  return a.kind === b.kind && a.threshold === b.threshold
}

function assessBuckets({ buckets }: SessionConfiguration, policy: ClientPolicy): Refusal | undefined {
  if (buckets === null) return undefined
  if (buckets.size < policy.buckets.minSize) return refuse('policy-buckets', `buckets of ${buckets.size} clients`)
  if (buckets.minSurvivors < policy.buckets.minSurvivors) {
    return refuse('policy-buckets', `buckets opened with ${buckets.minSurvivors} survivors`)
  }
  return undefined
}
