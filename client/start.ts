import type { AuditSink } from '../core/audit/sink.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { ParleyError } from '../core/errors/index.ts'
import { type ClientPolicy, clientPolicy } from '../core/secagg/index.ts'
import { systemClock } from '../core/system-clock.ts'
import { keepLargeBlocks } from '../core/wire/large-blocks.ts'
import { defaultLimits, type Limits } from '../core/wire/limits.ts'
import { createKernels, maskArithmeticIn } from '../kernels/index.ts'
import { carrierUrls } from './carriers/carrier-urls.ts'
import { dialUrl } from './carriers/dial.ts'
import type { DialOptions } from './carriers/options.ts'
import type { DataReport } from './data/dataset.ts'
import { type DataFiles, loadDataset } from './data/load.ts'
import { type ClientNode, createClientNode } from './node/client.ts'
import type { PrivacyLedger } from './node/ledger.ts'
import type { CheckpointMemory, ClientEvent, RoundMemory } from './node/options.ts'
import type { TaskPolicy } from './node/policy.ts'
import { type ControlMemory, memoryControls } from './training/controls.ts'
import type { EngineName } from './training/engine-names.ts'
import { createTrainer } from './training/trainer.ts'

export type NodeConfig = {
  readonly identity: SigningKey
  /** The coordinator's Ed25519 public key, 32 bytes, got over another channel. */
  readonly coordinatorKey: Uint8Array
  /**
   * `grpc://`, `grpcs://`, `ws://` or `wss://`, or `https://` for gRPC and WebSocket on one port. The first is preferred; the next is
   * taken where one does not get through.
   */
  readonly urls: readonly string[]
  /** What this client's institution allows, as `filePolicy` reads it. Without one every task is declined. */
  readonly policy?: TaskPolicy
  /** Train for any plan of the pinned coordinator, without a policy. */
  readonly unsafeAllowAnyPlan?: boolean
  /** The data; where a policy names the data of its studies, those are used. */
  readonly data?: DataFiles
  readonly memory: RoundMemory
  /**
   * Where the client's own control variates are kept, for plans with `scaffold`. By default only in memory: a client that
   * lost them is a lasting error in the coordinator's mean of all of them.
   */
  readonly controls?: ControlMemory
  /** By default 3, and 16 where updates are masked. */
  readonly minCohort?: number
  /** Whose keys are trusted in masked rounds, and what else is accepted of them; without it they are declined. */
  readonly masking?: Masking
  /** What this client has spent of its privacy in its life; without it, it counts nothing. */
  readonly ledger?: PrivacyLedger
  /** What its training rows have cost, each of them, in all rounds of plans that hide rows; without it, such plans are declined. */
  readonly recordLedger?: PrivacyLedger
  /** Where the client records what it does and what leaves it; what cannot be recorded is not done. By default nowhere. */
  readonly audit?: AuditSink
  /** What was seen of the coordinator's audit log; without it the client does not see that there are two of it. */
  readonly checkpoints?: CheckpointMemory
  /** By default the fastest engine that works here. */
  readonly engine?: EngineName
  readonly limits?: Partial<Limits>
  readonly dial?: Omit<DialOptions, 'limits'>
  readonly onEvent?: (event: ClientEvent) => void
  /** Told what was found in the data, each time a plan has been applied to it. */
  readonly onData?: (report: DataReport) => void
}

/** Clients known from elsewhere, id to Ed25519 key in lower-case hex, and whatever differs from the project's policy. */
export type Masking = Pick<ClientPolicy, 'known'> &
  Partial<Omit<ClientPolicy, 'minimum' | 'buckets'>> & { readonly buckets?: Partial<ClientPolicy['buckets']> }

/** Smallest cohort that a client takes part in unless it is told otherwise. */
export const MIN_COHORT = 3

/** A smaller sum hides nobody. */
const FEWEST_IN_A_SUM = 3

/** What a client accepts of masked rounds: its smallest cohort is its smallest sum, though never one of fewer than 3. */
export function maskingPolicy(masking: Masking, minCohort: number | undefined): ClientPolicy {
  const minimum = minCohort === undefined ? {} : { minimum: Math.max(minCohort, FEWEST_IN_A_SUM) }
  return clientPolicy({ ...minimum, ...masking })
}

/** A client node on Node.js, on data in files: started, and connected for as long as it runs. */
export function startClient(config: NodeConfig): ClientNode {
  keepLargeBlocks()
  const limits = { ...defaultLimits, ...config.limits }
  const controls = config.controls ?? memoryControls()
  const node = createClientNode({
    crypto: nodeCrypto,
    clock: systemClock,
    identity: config.identity,
    coordinatorKey: config.coordinatorKey,
    dials: config.urls.flatMap(carrierUrls).map((url) => dialUrl(url, { ...config.dial, limits })),
    trainer: async (plan, admission) => {
      const { evaluation } = plan
      const files = admission?.data ?? config.data
      if (files === undefined) throw new ParleyError('data.not-found', 'neither the client nor its policy names data')
      const dataset = await loadDataset(plan.data, files, { groups: evaluation.groups })
      config.onData?.(dataset.report)
      const engine = config.engine === undefined ? {} : { engine: config.engine }
      const allowed = admission?.engines === undefined ? {} : { allowedEngines: admission.engines }
      const resources = admission?.resources === undefined ? {} : { resources: admission.resources }
      return createTrainer({
        model: plan.model,
        dataset,
        training: plan.training,
        evaluation,
        controls,
        randomBytes: nodeCrypto.randomBytes,
        ...engine,
        ...allowed,
        ...resources,
      })
    },
    ...(config.policy === undefined ? {} : { policy: config.policy }),
    ...(config.unsafeAllowAnyPlan === undefined ? {} : { unsafeAllowAnyPlan: config.unsafeAllowAnyPlan }),
    memory: config.memory,
    limits,
    minCohort: config.minCohort ?? MIN_COHORT,
    agent: 'parley',
    ...(config.masking === undefined ? {} : { masking: maskingOf(config.masking, config.minCohort) }),
    ...(config.ledger === undefined ? {} : { ledger: config.ledger }),
    ...(config.recordLedger === undefined ? {} : { recordLedger: config.recordLedger }),
    ...(config.audit === undefined ? {} : { audit: config.audit }),
    ...(config.checkpoints === undefined ? {} : { checkpoints: config.checkpoints }),
    ...(config.onEvent === undefined ? {} : { onEvent: config.onEvent }),
  })
  node.start()
  return node
}

function maskingOf(masking: Masking, minCohort: number | undefined) {
  const policy = maskingPolicy(masking, minCohort)
  // On this thread: masks are made in milliseconds, and nothing else is worked out here.
  return { policy, masks: maskArithmeticIn(createKernels({ threads: 0 }), nodeCrypto) }
}
