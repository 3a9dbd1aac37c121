import type { z } from 'zod'
import { nameAndOptions, namedOf } from '../../core/plan/named.ts'
import type { Attack, AttackBehaviour } from './attack.ts'
import { backdoor } from './data/backdoor.ts'
import { labelFlip } from './data/label-flip.ts'
import { modelReplacement } from './data/model-replacement.ts'
import { hugeSampleCount } from './frames/huge-sample-count.ts'
import { infinity } from './frames/infinity.ts'
import { nan } from './frames/nan.ts'
import { wrongShape } from './frames/wrong-shape.ts'
import { alie } from './update/alie.ts'
import { alieOptimised } from './update/alie-optimised.ts'
import { fangKrum } from './update/fang-krum.ts'
import { fangTrim } from './update/fang-trim.ts'
import { freeRider } from './update/free-rider.ts'
import { gaussian } from './update/gaussian.ts'
import { innerProduct } from './update/inner-product.ts'
import { innerProductOptimised } from './update/inner-product-optimised.ts'
import { maxNormNegative } from './update/max-norm-negative.ts'
import { mimic } from './update/mimic.ts'
import { minMax } from './update/min-max.ts'
import { minSum } from './update/min-sum.ts'
import { ownSignFlip } from './update/own-sign-flip.ts'
import { signFlip } from './update/sign-flip.ts'

/** Every attack by its name in a scenario. */
export const attacks = {
  'label-flip': labelFlip,
  backdoor,
  'model-replacement': modelReplacement,
  'sign-flip': signFlip,
  'own-sign-flip': ownSignFlip,
  gaussian,
  'inner-product': innerProduct,
  'inner-product-optimised': innerProductOptimised,
  alie,
  'alie-optimised': alieOptimised,
  mimic,
  'min-max': minMax,
  'min-sum': minSum,
  'fang-trim': fangTrim,
  'fang-krum': fangKrum,
  'free-rider': freeRider,
  'max-norm-negative': maxNormNegative,
  nan,
  infinity,
  'wrong-shape': wrongShape,
  'huge-sample-count': hugeSampleCount,
} as const
export type AttackName = keyof typeof attacks

/** `{ alie: { z: max } }`, or a name alone. */
export const attackSchema = namedOf(attacks)
export type NamedAttack = z.output<typeof attackSchema>

/** An attack with its options. */
export type ChosenAttack = {
  readonly name: string
  readonly attack: AttackBehaviour
  readonly options: unknown
}

export function attackOf(named: NamedAttack): ChosenAttack {
  const [name, options] = nameAndOptions<AttackName>(named)
  // The schema has matched the options to the name.
  return { name, attack: attacks[name] as Attack<unknown>, options }
}
