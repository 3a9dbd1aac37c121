import type { RuleTable } from '../../core/aggregation/rule.ts'
import { serverOptimizerOf } from '../../core/aggregation/server/named.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import type { RandomBytes } from '../../core/privacy/index.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import type { MaskArithmetic } from '../../core/secagg/index.ts'
import { withoutControl } from '../../core/tensors/control.ts'
import { readLayout, writeHeader } from '../../core/tensors/safetensors.ts'
import type { Kernels } from '../../kernels/index.ts'
import { aggregate } from '../aggregation/aggregate.ts'
import type { Decide } from '../aggregation/decide-elsewhere.ts'
import type { AggregationMemory, VectorRef } from '../aggregation/memory.ts'
import type { RoundMatrix } from '../aggregation/round-matrix.ts'
import type { BlobStore } from '../store/ports.ts'
import type { OpenedSum } from './masked/masking.ts'
import { sumRowOf } from './masked/sum-rows.ts'
import { nextClipOf } from './next-clip.ts'
import type { RoundKeys } from './round-keys.ts'
import type { AcceptedUpdate, Made, RunSettings } from './state.ts'
import { receivedRow, updateRowOf } from './update-rows.ts'

export type AggregationDeps = {
  readonly crypto: Crypto
  readonly store: {
    readonly blobs: Pick<BlobStore, 'read' | 'create'>
    readonly spool: Pick<BlobStore, 'read' | 'size' | 'givesViews'>
  }
  readonly kernels: Kernels
  readonly roundKeys: RoundKeys
  readonly decide?: Decide
  /** By default those of the registry. */
  readonly rules?: RuleTable | undefined
  /** The coordinator's noise for a round: the same bytes whenever it is asked for, and nobody else can make them. */
  readonly noise: (run: string, round: number) => RandomBytes
  /** Takes masks out of sums. */
  readonly masks: MaskArithmetic
}

/** Everything that a round's result follows from, beside the plan: it stands in the journal. */
export type RoundInputs = {
  readonly run: string
  readonly round: number
  readonly settings: RunSettings
  /** The model that the updates were trained from. */
  readonly model: ModelRef
  /** In the order of client ids. */
  readonly accepted: readonly AcceptedUpdate[]
  readonly memory: AggregationMemory
  readonly root?: VectorRef
  /** What the rule works on where updates were masked. */
  readonly sums?: readonly OpenedSum[]
  /** The clipping norm of the round, where the plan clips. */
  readonly clip?: number
}

/** Combines accepted updates as the plan says. The same inputs give the same bytes, whenever and wherever. */
export async function aggregateUpdates(
  deps: AggregationDeps,
  plan: Plan,
  inputs: RoundInputs,
  matrix?: RoundMatrix,
): Promise<Made> {
  const { store, crypto, kernels, roundKeys, decide, rules } = deps
  const { settings, model, accepted, memory, root, sums } = inputs
  const { parameters } = settings
  const rowDeps = { crypto, roundKeys, spool: store.spool }
  const control = await controlOf(deps, inputs)
  const privacy = inputs.clip === undefined ? undefined : roundPrivacyOf(plan, parameters, inputs.clip)
  const randomBytes = deps.noise(inputs.run, inputs.round)
  const nextClip = nextClipOf(privacy, inputs, randomBytes)
  const central = privacy?.noise?.kind === 'central' ? privacy.noise : undefined
  const made = await aggregate({
    blobs: store.blobs,
    kernels,
    model,
    parameters,
    rows:
      sums?.map((sum) => sumRowOf(store.blobs, sum)) ??
      accepted.map((update) => {
        const known = matrix?.rowOf(update.header.sha256)
        return updateRowOf(plan, update, known ?? receivedRow(rowDeps, parameters, update))
      }),
    section: { before: plan.aggregation.before, rule: plan.aggregation.rule },
    rules,
    optimizer: serverOptimizerOf(plan.aggregation.server),
    memory,
    root,
    seed: seedOf(crypto, inputs),
    ...(control === undefined ? {} : { control }),
    ...(settings.frozen === undefined ? {} : { frozen: settings.frozen }),
    ...(matrix === undefined ? {} : { matrix }),
    ...(decide === undefined ? {} : { decide }),
    ...(central === undefined || privacy === undefined
      ? {}
      : { release: { clip: privacy.clip, sigma: central.sigma, cohort: central.cohort, randomBytes } }),
  })
  return nextClip === undefined ? made : { ...made, memory: { ...made.memory, clip: nextClip } }
}

/** SCAFFOLD moves the server's control variate by the share of the federation that took part. */
async function controlOf({ store }: AggregationDeps, { settings, model, accepted }: RoundInputs) {
  if (settings.control === undefined) return undefined
  const headerBytes = model.bytes - 4 * settings.parameters
  const { layout } = readLayout(await store.blobs.read(model.digest, 0, headerBytes), { fileBytes: model.bytes })
  const share = Math.min(1, accepted.length / settings.control.clients)
  return { share, header: writeHeader(withoutControl(layout)) }
}

/** Nobody can foresee it before all updates are in, and everybody who has them can work it out again. */
function seedOf(crypto: Pick<Crypto, 'sha256'>, { run, round, accepted }: RoundInputs): number {
  const digests = accepted.map(({ header }) => header.sha256)
  const hash = crypto.sha256(utf8(['parley.aggregation.v1', run, round, ...digests].join('\n')))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}
