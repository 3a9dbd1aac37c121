import type { z } from 'zod'
import type { Examples } from '../../client/index.ts'
import type { LabelRange } from '../../core/metrics/counts.ts'
import type { Random } from '../../core/random/random.ts'

/**
 * What an attacker needs to know: `own` is its own data and what the coordinator sends it, `updates` besides them the honest
 * updates of the round. The scenario's threat model says what it gets; an attack that gets less makes do (see `known`).
 */
export type Knowledge = 'own' | 'updates'

/** What a crafting attacker sees of a round. */
export type CraftInput = {
  /** Coordinates of an update. */
  readonly size: number
  /** The update that honest training on its own data gives. It is trained when it is first asked for. */
  readonly own: () => Promise<Float32Array>
  /**
   * Updates of all honest clients of the round in the order of their ids, all of one length. Empty unless the attack's
   * `knowledge` is `updates` and the threat model grants it. Not to be changed.
   */
  readonly honest: readonly Float32Array[]
  /** Attackers in the round, at least 1. They collude: the same attack on the same input sends the same vector. */
  readonly attackers: number
  /** Clients in the round, attackers among them. */
  readonly clients: number
  /** The plan's screen: a longer update is refused. */
  readonly maxNorm: number
  /**
   * What the plan's own stages and rule make of these updates, honest ones first. Absent where the threat model does not show
   * them: an optimised attack then takes the plain mean for the rule. Rejects where they refuse to aggregate.
   */
  readonly aggregate?: (updates: readonly Float32Array[]) => Promise<Float32Array>
  /** The last aggregate: new weights − old weights. Undefined in the first round. */
  readonly previous: Float32Array | undefined
  /** From 1. */
  readonly round: number
  /** Attackers that are given the same generator in the same state draw the same. */
  readonly random: Random
}

/** An attack on the vector: what is sent in the place of the honest update. Float64 within, float32 out, always finite. */
export type UpdateAttack<Options> = {
  readonly kind: 'update'
  readonly options: z.ZodType<Options>
  readonly knowledge: Knowledge
  /** Whether `craft` tries its vectors on `aggregate`. */
  readonly optimised?: true
  readonly craft: (input: CraftInput, options: Options) => Float32Array | Promise<Float32Array>
}

/** What an attacker on its own data sees. */
export type PoisonContext = {
  /** 1 for a binary or a numeric label, the number of classes else. */
  readonly classes: number
  /** The range of a numeric label. */
  readonly numeric?: LabelRange | undefined
  /** Shape of one example: `[inputs]` for a table, `[height, width, channels]` for images. */
  readonly shape: readonly number[]
  readonly random: Random
}

/** An attack on the data: honest training on changed examples. */
export type DataAttack<Options> = {
  readonly kind: 'data'
  readonly options: z.ZodType<Options>
  /** A changed copy; as many rows, in the same order. */
  readonly poison: (examples: Examples, context: PoisonContext, options: Options) => Examples
  /** By which the trained update is multiplied before it is sent; absent is 1. */
  readonly scale?: (options: Options, context: { readonly clients: number; readonly attackers: number }) => number
  /**
   * Of held-out examples those that show whether the attack came through, labelled as the attacker wants them: accuracy on
   * them is the attack's success rate. Absent where the attack wants damage only.
   */
  readonly probe?: (examples: Examples, context: Omit<PoisonContext, 'random'>, options: Options) => Examples
}

/** What is wrong with an update that no honest node could send. The simulator's sender applies it below the client's checks. */
export type Malformation = {
  /** The values that are sent in the place of the update's; a new array, of any values. */
  readonly corrupt?: (update: Float32Array, random: Random) => Float32Array
  /** The sample count that is declared. */
  readonly samples?: number
  /** The update names and cuts its tensors otherwise than the model. */
  readonly layout?: 'other'
}

/** An attack on the form. */
export type FrameAttack<Options> = {
  readonly kind: 'frames'
  readonly options: z.ZodType<Options>
  readonly malform: (options: Options) => Malformation
}

export type Attack<Options> = UpdateAttack<Options> | DataAttack<Options> | FrameAttack<Options>

/** What an attack does, without the schema of its options, which only scenario files need. */
export type AttackBehaviour =
  | Omit<UpdateAttack<unknown>, 'options'>
  | Omit<DataAttack<unknown>, 'options'>
  | Omit<FrameAttack<unknown>, 'options'>

/** Keeps the type of an attack's options, which TypeScript then infers from its schema. */
export function defineUpdateAttack<Options>(attack: UpdateAttack<Options>): UpdateAttack<Options> {
  return attack
}

export function defineDataAttack<Options>(attack: DataAttack<Options>): DataAttack<Options> {
  return attack
}

export function defineFrameAttack<Options>(attack: FrameAttack<Options>): FrameAttack<Options> {
  return attack
}

/**
 * The updates from which an attacker estimates the honest ones: all of them where it sees them, else its own honest update, as
 * an attacker with partial knowledge does. Never empty; of a single one the standard deviation is 0.
 */
export async function known({ honest, own }: Pick<CraftInput, 'honest' | 'own'>): Promise<readonly Float32Array[]> {
  return honest.length > 0 ? honest : [await own()]
}
