/** Whole sessions in memory: honest clients and an honest coordinator, with places to interfere. */
import type { Envelope } from '../../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import type { AgreementKey, Crypto, SigningKey } from '../../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../../core/encoding/bytes.ts'
import {
  advertise,
  type Broadcast,
  broadcastFor,
  bucketOf,
  type ClientContext,
  type ClientPolicy,
  type ClientState,
  type CoordinatorState,
  checksumKey,
  clientPolicy,
  closePhase,
  configHashOf,
  confirmSurvivors,
  type Decoded,
  decodeSum,
  delivered,
  type Expectation,
  encodeInput,
  type Input,
  laneCount,
  maskArithmeticOf,
  maskInput,
  openSession,
  planUnmasking,
  type Refusal,
  type SessionConfiguration,
  shareKeys,
  type Transition,
  take,
  type UnmaskingPlan,
  unmask,
  vectorDigest,
} from '../../../core/secagg/index.ts'
import type { Step } from '../../../core/secagg/messages.ts'
import { bytesOf, coin, configurationOf } from './support.ts'

export const steps = ['advertise', 'share', 'input', 'survivors', 'unmask'] as const

const keys = new Map<string, SigningKey>()
export function keyOf(name: string): SigningKey {
  const key = keys.get(name) ?? nodeCrypto.signingKey(nodeCrypto.sha256(utf8(name)))
  keys.set(name, key)
  return key
}

export const nameOf = (i: number) => `client-${String(i).padStart(4, '0')}`
export const namesOf = (n: number) => Array.from({ length: n }, (_, i) => nameOf(i))
export const identitiesOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, toHex(keyOf(name).publicKey)]))

export type Interference = {
  /** The step whose message a client does not send any more. */
  readonly lost?: (client: string, step: Step) => boolean
  /** What a client is shown instead of what it should be shown. */
  readonly shown?: (client: string, step: Step, broadcast: Broadcast) => unknown
  /** What arrives instead of what a client sent. */
  readonly sent?: (client: string, step: Step, message: Envelope, state: ClientState) => Envelope
  /** Other lanes than the honest ones, before masking. */
  readonly lanes?: (client: string, lanes: Uint32Array) => void
  readonly policy?: Partial<ClientPolicy>
  readonly expected?: (client: string) => Partial<Expectation>
  readonly configurationFor?: (client: string, honest: Envelope) => Envelope
  /** Clients draw the same bytes in every session, so that many sessions take the time of few. */
  readonly seeded?: boolean
}

export type Run = {
  readonly configuration: SessionConfiguration
  readonly refusals: Map<string, Refusal>
  readonly receipts: { client: string; step: Step; reason: string }[]
  readonly clients: Map<string, ClientState>
  /** Encoded lanes before masking. */
  readonly plain: Map<string, Uint32Array>
  /** What went over the wire. */
  readonly uploads: Map<string, Uint32Array>
  /** By client and step. */
  readonly messages: Map<string, Envelope>
  readonly broadcasts: { client: string; broadcast: Broadcast }[]
  /** Both halves at the beginning of a step. */
  readonly before: Partial<Record<Step, { state: CoordinatorState; clients: ReadonlyMap<string, ClientState> }>>
  state: CoordinatorState
  failedIn?: Step
  plan?: UnmaskingPlan
  /** Per bucket that was opened. */
  readonly sums: { survivors: readonly string[]; lanes: Uint32Array; decoded: Decoded }[]
}

/**
 * The real thing, except that a signature is verified and a secret agreed once in a process: every client verifies the same
 * rows, and tests would spend their time on it.
 */
const verified = new Map<string, boolean>()
export const crypto: Crypto = {
  ...nodeCrypto,
  verify(key, message, signature) {
    const name = Buffer.from(nodeCrypto.sha256(Buffer.concat([key, signature, message]))).toString('base64')
    const known = verified.get(name) ?? nodeCrypto.verify(key, message, signature)
    verified.set(name, known)
    return known
  },
  agreementKey(secret) {
    const name = toHex(secret)
    const known = agreementKeys.get(name) ?? remembering(nodeCrypto.agreementKey(secret))
    agreementKeys.set(name, known)
    return known
  },
}

const agreementKeys = new Map<string, AgreementKey>()
function remembering(key: AgreementKey): AgreementKey {
  const agreed = new Map<string, Uint8Array | undefined>()
  return {
    publicKey: key.publicKey,
    agree(other) {
      const name = toHex(other)
      if (!agreed.has(name)) agreed.set(name, key.agree(other))
      return agreed.get(name)
    },
  }
}

/** What every client of these sessions accepts. */
export const policyOf = (names: readonly string[], change: Partial<ClientPolicy> = {}) =>
  clientPolicy({
    known: identitiesOf(names),
    minimum: 3,
    completeUpTo: 64,
    buckets: { minSize: 2, minSurvivors: 2 },
    ...change,
  })

export const contextOf = (name: string, policy: ClientPolicy, beacon?: string): ClientContext => ({
  crypto,
  signingKey: keyOf(name),
  policy,
  ...(beacon === undefined ? {} : { beacon }),
})

/** Through JSON and back: what a restart would find. */
export const restored = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value))

export function runSession(
  change: Partial<SessionConfiguration> = {},
  interference: Interference = {},
  inputOf: (i: number) => Input = (i) => ({ values: new Float64Array(9).fill(Math.sin(i)), weight: 1 + (i % 3) }),
): Run {
  const configuration = configurationOf(change)
  const names = namesOf(configuration.cohort)
  const identities = identitiesOf(names)
  const policy = policyOf(names, interference.policy)
  const masks = maskArithmeticOf(crypto)
  const checksum = checksumKey(crypto, configHashOf(crypto, configuration))
  const opened = openSession({ crypto }, keyOf('coordinator'), configuration, coin, identities)
  const run: Run = {
    configuration,
    refusals: new Map(),
    receipts: [],
    clients: new Map(),
    plain: new Map(),
    uploads: new Map(),
    broadcasts: [],
    messages: new Map(),
    before: {},
    state: opened.state,
    sums: [],
  }
  const bucketSums = new Map<number, Uint32Array>()
  const randomOf = (name: string, step: Step) => (interference.seeded ? bytesOf(`${name} ${step}`) : crypto.randomBytes)

  const transit = (name: string, i: number, step: Step): Transition<ClientState> | undefined => {
    const context = contextOf(name, policy, configuration.beacon === null ? undefined : BEACON)
    if (step === 'advertise') {
      const expected: Expectation = {
        client: name,
        coordinatorKey: keyOf('coordinator').publicKey,
        task: configuration.task,
        model: configuration.model,
        coordinates: configuration.coordinates,
        lastRound: 0,
        ...interference.expected?.(name),
      }
      const envelope = interference.configurationFor?.(name, opened.configuration) ?? opened.configuration
      return advertise(context, envelope, expected, randomOf(name, step))
    }
    const state = run.clients.get(name)
    const honest = broadcastFor({ crypto }, run.state, name)
    if (state === undefined || honest === undefined) return undefined
    run.broadcasts.push({ client: name, broadcast: honest })
    const broadcast: unknown = restored(interference.shown?.(name, step, honest) ?? honest)
    if (step === 'share') return shareKeys(context, state, broadcast)
    if (step === 'survivors') return confirmSurvivors(context, state, broadcast)
    if (step === 'unmask') return unmask(context, state, broadcast)
    const lanes = encodeInput(crypto, configuration, checksum, inputOf(i), randomOf(name, step))
    interference.lanes?.(name, lanes)
    run.plain.set(name, lanes.slice())
    const result = maskInput(context, state, broadcast, lanes)
    if (result.ok) run.uploads.set(name, lanes)
    return result
  }

  const gone = new Set<string>()
  for (const step of steps) {
    run.before[step] = { state: run.state, clients: new Map(run.clients) }
    for (const [i, name] of names.entries()) {
      if (gone.has(name)) continue
      if (interference.lost?.(name, step)) {
        gone.add(name)
        continue
      }
      const result = transit(name, i, step)
      if (result === undefined) {
        gone.add(name)
        continue
      }
      if (!result.ok) {
        run.refusals.set(name, result.refusal)
        gone.add(name)
        continue
      }
      run.clients.set(name, restored(result.state))
      const message = interference.sent?.(name, step, result.message, result.state) ?? result.message
      run.messages.set(`${name} ${step}`, message)
      let taken = take({ crypto }, run.state, name, message)
      const lanes = run.uploads.get(name)
      if (step === 'input' && lanes !== undefined && taken.receipt.ok) {
        taken = delivered(taken.state, name, toHex(vectorDigest(crypto, lanes)))
        if (taken.receipt.ok) addTo(bucketSums, bucketOf(taken.state, name), lanes)
      }
      if (!taken.receipt.ok) run.receipts.push({ client: name, step, reason: taken.receipt.reason })
      run.state = restored(taken.state)
    }
    if (step === 'unmask') break
    const closed = closePhase({ crypto }, run.state, step === 'advertise' ? configuration.beacon && BEACON : null)
    if (!closed.ok) {
      run.failedIn = closed.failure.phase
      return run
    }
    run.state = restored(closed.state)
  }
  if (run.state.phase !== 'unmask') throw new Error('the session did not reach its last step')
  run.plan = planUnmasking({ crypto }, run.state)
  if (!run.plan.ok) {
    run.failedIn = 'unmask'
    return run
  }
  for (const { bucket, survivors, masks: left } of run.plan.buckets) {
    const lanes = bucketSums.get(bucket)!
    masks.addMasks(left, lanes)
    run.sums.push({ survivors, lanes, decoded: decodeSum(crypto, configuration, checksum, lanes, survivors.length) })
  }
  return run
}

export const BEACON = toHex(nodeCrypto.sha256(utf8('what the beacon said')))

function addTo(sums: Map<number, Uint32Array>, bucket: number | undefined, lanes: Uint32Array): void {
  if (bucket === undefined) throw new Error('an input of no bucket')
  const sum = sums.get(bucket) ?? new Uint32Array(lanes.length)
  for (let j = 0; j < lanes.length; j++) sum[j]! += lanes[j]!
  sums.set(bucket, sum)
}

/** The integer sum of what these clients encoded. */
export function plainSum(run: Run, clients: readonly string[]): Uint32Array {
  const sum = new Uint32Array(laneCount(run.configuration))
  for (const client of clients) for (const [j, lane] of run.plain.get(client)!.entries()) sum[j]! += lane
  return sum
}
