import { type Envelope, payloadTypes, signJson } from '../../core/crypto/envelope.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import type {
  EvaluateConfiguration,
  RoundConfiguration,
  TrainConfiguration,
} from '../../core/run/round-configuration.ts'
import type { TaskOffer } from './desk.ts'
import type { RoundKeys } from './round-keys.ts'
import type { Collecting, Evaluating } from './state.ts'
import { clipOf } from './step.ts'

export type TaskSigner = {
  /** The coordinator's identity, which clients have pinned. */
  readonly identity: SigningKey
  readonly roundKeys: RoundKeys
}

/** The signed task of an open round: to train while it collects, to evaluate while it evaluates. */
export function taskOf(signer: TaskSigner, state: Collecting | Evaluating): TaskOffer {
  const configuration = state.phase === 'collecting' ? training(signer, state) : evaluation(state)
  const models = configuration.kind === 'train' ? [configuration.model] : configuration.models
  return {
    envelope: sign(signer, configuration),
    blobs: [configuration.plan.digest, ...models.map(({ digest }) => digest)],
  }
}

function training(signer: TaskSigner, state: Collecting): TrainConfiguration {
  const { publicKey } = signer.roundKeys(state.run, state.round)
  const clip = clipOf(state)
  const { masked } = state.settings
  return {
    ...common(state),
    kind: 'train',
    mode: masked === undefined ? 'sealed' : 'masked',
    ...(masked === undefined ? {} : { coordinates: masked.coordinates }),
    model: state.model,
    ...(clip === undefined ? {} : { clip }),
    roundKey: toHex(publicKey),
  }
}

function evaluation(state: Evaluating): EvaluateConfiguration {
  const models = state.champion === undefined ? [state.made.model] : [state.made.model, state.champion.model]
  const { counts } = state.settings.evaluation
  const lanes = counts === undefined ? {} : { lanes: models.length === 1 ? counts.one : counts.two }
  return { ...common(state), kind: 'evaluate', models, ...lanes }
}

function common({ run, round, settings, cohort }: Collecting | Evaluating) {
  const { rounds, plan, layout, parameters } = settings
  // A failed round is repeated under the next number, so the number may grow beyond the plan's count of rounds.
  return { v: 1, run, round, rounds: Math.max(rounds, round), plan, layout, parameters, cohort: cohort.length } as const
}

function sign(signer: TaskSigner, configuration: RoundConfiguration): Envelope {
  return signJson(signer.identity, payloadTypes.round, configuration)
}
