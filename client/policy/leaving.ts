import { sealedLength } from '../../core/crypto/seal.ts'
import { shortFormLayout } from '../../core/plan/architecture.ts'
import { groupsOf } from '../../core/plan/groups.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type RecordExample, recordExamples, recordExampleText } from '../../core/plan/record-examples.ts'
import { firstClip, maskedCoordinates, roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import { spent, timesRounds } from '../../core/privacy/index.ts'
import { tensorsIn } from '../../core/tensors/layout.ts'

/** δ at which ε is told where neither policy nor plan names one. */
const USUAL_DELTA = 1e-5

/** What would leave a site if it took part in every round of a plan. */
export type Leaving = {
  readonly update: {
    readonly mode: 'sealed' | 'masked'
    readonly parameters: number
    /** Of the plan's model by name and shape; absent for a topology of TF.js layers. */
    readonly tensors?: readonly { readonly name: string; readonly shape: readonly number[] }[]
    /** Whether control variates, as many values again, go with the weights. */
    readonly controls: boolean
    readonly bytes: number
    readonly rounds: number
    readonly allBytes: number
  }
  readonly evaluation: {
    readonly counts: 'clear' | 'masked'
    readonly times: number
    readonly groups: readonly string[]
    /** Held-out rows that a group must have. */
    readonly minGroup: number
  }
  /** Absent where no noise is added: then nothing bounds what an update tells. */
  readonly privacy?: {
    readonly noise: string
    readonly clip: number
    readonly epsilonOfRound: number
    readonly epsilonOfAll: number
    readonly delta: number
  }
  /** Absent where single rows are not hidden. ε depends on how many there are: for some numbers of them. */
  readonly records?: {
    readonly clip: number
    readonly multiplier: number
    readonly delta: number
    readonly examples: readonly RecordExample[]
  }
}

/** Bytes of the update of one round. */
export function updateBytes(plan: Plan, parameters: number): number {
  return sealedLength(4 * (plan.privacy.mode === 'masked' ? maskedCoordinates(plan, parameters) : parameters))
}

/**
 * - `parameters`: of the model with its control variates, as the coordinator signed them.
 * - `delta`: of the policy, where it has one.
 */
export function leavingOf(plan: Plan, parameters: number, delta?: number): Leaving {
  const { rounds, evaluation, training, privacy } = plan
  const bytes = updateBytes(plan, parameters)
  return {
    update: {
      mode: privacy.mode,
      parameters,
      ...tensorsOf(plan),
      controls: training.scaffold !== undefined,
      bytes,
      rounds,
      allBytes: rounds * bytes,
    },
    evaluation: {
      counts: evaluation.counts ?? 'clear',
      // The last round is always evaluated.
      times: Math.ceil(rounds / evaluation.every),
      groups: groupsOf(evaluation.groups).map(({ by, group }) => `${by}: ${group}`),
      minGroup: evaluation.minGroup,
    },
    ...privacyOf(plan, parameters, delta ?? privacy.budget?.delta ?? USUAL_DELTA),
    ...recordsOf(plan, parameters),
  }
}

function tensorsOf({ model, data }: Plan): Pick<Leaving['update'], 'tensors'> {
  if ('layers' in model) return {}
  const tensors = [...tensorsIn(shortFormLayout(model, data))]
  return { tensors: tensors.map(({ tensor: { name, shape } }) => ({ name, shape })) }
}

function privacyOf(plan: Plan, parameters: number, delta: number): Pick<Leaving, 'privacy'> {
  const clip = firstClip(plan)
  const charge = clip === undefined ? undefined : roundPrivacyOf(plan, parameters, clip)?.charge
  if (clip === undefined || charge === undefined) return {}
  const epsilonOf = (times: number) => spent([timesRounds(charge, times)], delta).epsilon
  const [noise = ''] = Object.entries(plan.privacy.noise ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  return {
    privacy: { noise, clip, epsilonOfRound: epsilonOf(1), epsilonOfAll: epsilonOf(plan.rounds), delta },
  }
}

function recordsOf(plan: Plan, parameters: number): Pick<Leaving, 'records'> {
  const { records } = plan.privacy
  if (records === undefined) return {}
  const { clip, multiplier, delta } = records
  return { records: { clip, multiplier, delta, examples: recordExamples(plan, parameters) } }
}

/** The same in words, a line each. */
export function leavingText({ update, evaluation, privacy, records }: Leaving): string[] {
  const { mode, parameters, tensors, controls, bytes, rounds, allBytes } = update
  const who = mode === 'sealed' ? 'the coordinator can open it' : 'the coordinator learns sums over clients'
  const inTensors =
    tensors === undefined ? '' : ` in ${tensors.length} tensors${controls ? ' and their control variates' : ''}`
  const { counts, times, groups, minGroup } = evaluation
  const seen =
    counts === 'clear' ? 'the coordinator sees this site’s own' : 'the coordinator learns their sum over clients'
  return [
    `update: ${parameters} values${inTensors}, ${bytes} bytes a round, in ${rounds} rounds ${allBytes} bytes; mode ${mode}: ${who}`,
    ...(tensors ?? []).map(({ name, shape }) => `  ${name} ${shape.join('×')}`),
    `evaluation: counts over held-out rows, ${times} times; ${seen}`,
    ...(groups.length === 0
      ? []
      : [`  of ${groups.length} groups with at least ${minGroup} rows: ${groups.join(', ')}`]),
    privacy === undefined
      ? `privacy: no noise on updates; ${records === undefined ? 'nothing bounds what an update tells of the data' : 'what they tell of all rows together is not bounded'}`
      : `privacy: ${privacy.noise} noise, updates clipped to ${privacy.clip}; ε ${privacy.epsilonOfRound.toPrecision(3)} a round, ${privacy.epsilonOfAll.toPrecision(3)} in all rounds (δ ${privacy.delta})`,
    ...(records === undefined
      ? []
      : [
          `rows: hidden one by one, gradients clipped to ${records.clip}, noise multiplier ${records.multiplier} (δ ${records.delta})`,
          ...records.examples.map((one) => `  ${recordExampleText(one)}`),
        ]),
  ]
}
