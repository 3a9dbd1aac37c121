import { type Hypergeometric, lowerTail, upperTail } from './hypergeometric.ts'

/**
 * Who masks with whom, and how many shares open a secret: the complete graph of Bonawitz et al. ("Practical Secure
 * Aggregation for Privacy-Preserving Machine Learning", CCS 2017) for small cohorts, the k-regular one of Bell et al.
 * ("Secure Single-Server Aggregation with (Poly)Logarithmic Overhead", CCS 2020) for large ones.
 */

/**
 * What the coordinator may do. `semi-honest`: follows the protocol and looks. `semi-malicious`: lies, but not while keys
 * are collected. `malicious`: lies always; a k-regular graph then needs a public beacon. `none`: nobody looks.
 */
export type ServerClass = 'none' | 'semi-honest' | 'semi-malicious' | 'malicious'

export type ThreatModel = {
  /** Clients in the cohort, 1 … 10⁶. */
  readonly clients: number
  /** γ in [0, 1): share of them that works together with the coordinator. */
  readonly corrupted: number
  /** δ in [0, 1): share of them that may drop out. */
  readonly dropouts: number
  readonly server: ServerClass
}

export type Graph =
  | { readonly kind: 'complete'; readonly threshold: number }
  | { readonly kind: 'regular'; readonly degree: number; readonly threshold: number }

export type GraphChoice = { readonly ok: true; readonly graph: Graph } | { readonly ok: false; readonly why: string }

/** Up to here the complete graph is the only one: formulas for large cohorts are no promise for small ones. */
export const ALWAYS_COMPLETE = 64
/** Up to here the complete graph is the default: it tolerates most, needs no permutation and is cheap enough. */
export const COMPLETE_BY_DEFAULT = 256
/** Bits of security: the probability that too many holders of one client are corrupted. */
const SECURITY = 2 ** -41
/** Bits of correctness: the probability that too few holders of one client are left. */
const CORRECTNESS = 2 ** -20
/** Rates are decimal fractions; this keeps 0.3·n from falling below an integer that it stands for. */
const RATE_SLACK = 1e-14
const MAX_CLIENTS = 1_000_000

/** The graph of a cohort: complete up to `completeUpTo` clients (never less than 64), k-regular above. */
export function chooseGraph(model: ThreatModel, completeUpTo = COMPLETE_BY_DEFAULT): GraphChoice {
  return model.clients <= Math.max(completeUpTo, ALWAYS_COMPLETE) ? completeGraph(model) : regularGraph(model)
}

/** Bounds of the threshold on a complete graph: `min` for security, `max` for availability. */
export function completeThresholds(model: ThreatModel): { readonly min: number; readonly max: number } {
  const { clients: n, corrupted, dropouts, server } = model
  const lies = server === 'semi-malicious' || server === 'malicious'
  // 2t > n + ⌈γn⌉: two different lists of survivors cannot both find t answers without one honest client answering twice.
  const min = lies ? ceil((n + corrupted * n) / 2) + 1 : Math.max(ceil(corrupted * n) + 1, 2)
  return { min, max: floor((1 - dropouts) * n) }
}

export function completeGraph(model: ThreatModel): GraphChoice {
  const why = implausible(model)
  if (why !== undefined) return { ok: false, why }
  const { min, max } = completeThresholds(model)
  if (min > max) return { ok: false, why: `${min} answers are needed and only ${max} clients may be left` }
  return { ok: true, graph: { kind: 'complete', threshold: min } }
}

/** The smallest even degree, and its threshold, that is connected, secure and available (Bell et al., section 3.3). */
export function regularGraph(model: ThreatModel): GraphChoice {
  const why = implausible(model) ?? overstretched(model)
  if (why !== undefined) return { ok: false, why }
  const { clients: n, server } = model
  const corrupted = Math.floor((model.corrupted + RATE_SLACK) * n)
  const lost = corrupted + Math.floor((model.dropouts + RATE_SLACK) * n)
  const left = Math.ceil((1 - (model.dropouts + RATE_SLACK)) * n)
  const lies = server === 'semi-malicious' || server === 'malicious'
  let logAllLost = 0
  // Both quantiles grow with the degree, so that each search goes on where the last one stopped.
  let mostCorrupted = 0
  let fewestLeft = 0
  for (let degree = 2; degree < n - 1; degree += 2) {
    for (let i = degree - 2; i < degree; i++) logAllLost += Math.log(Math.max(0, lost - i) / (n - i))
    const draws = (marked: number): Hypergeometric => ({ population: n, marked, draws: degree })
    while (upperTail(draws(corrupted), mostCorrupted) > SECURITY / n) mostCorrupted++
    while (lowerTail(draws(left), fewestLeft) < CORRECTNESS / n) fewestLeft++
    const pairs = (n * (n - degree - 1)) / 2
    const connected = degree > lost || Math.log(pairs) + logAllLost < Math.log(SECURITY)
    const secure = lies ? Math.floor((mostCorrupted + degree) / 2) : mostCorrupted
    if (connected && fewestLeft > secure) {
      return { ok: true, graph: { kind: 'regular', degree, threshold: Math.max(secure + 1, 2) } }
    }
  }
  return { ok: false, why: 'no even degree below the number of clients is secure and available' }
}

function implausible({ clients, corrupted, dropouts, server }: ThreatModel): string | undefined {
  if (!Number.isInteger(clients) || clients < 1) return 'there must be at least 1 client'
  if (clients > MAX_CLIENTS) return `there may be at most ${MAX_CLIENTS} clients`
  if (!(corrupted >= 0 && corrupted < 1)) return 'the share of corrupted clients is not in [0, 1)'
  if (!(dropouts >= 0 && dropouts < 1)) return 'the share of drop-outs is not in [0, 1)'
  if (server === 'none' && corrupted > 0) return 'nobody can be corrupted where no adversary is assumed'
  return undefined
}

function overstretched({ corrupted, dropouts, server }: ThreatModel): string | undefined {
  const lies = server === 'semi-malicious' || server === 'malicious'
  const sum = corrupted + (lies ? 2 : 1) * dropouts
  if (sum <= 0.9 + RATE_SLACK) return undefined
  return `corrupted${lies ? ' + 2·' : ' + '}drop-outs is ${sum} and may be at most 0.9`
}

function ceil(x: number): number {
  return Math.ceil(x - 1e-9)
}

function floor(x: number): number {
  return Math.floor(x + 1e-9)
}
