import { arc } from './before/arc.ts'
import { bucketing } from './before/bucketing.ts'
import { clip } from './before/clip.ts'
import { fednova } from './before/fednova.ts'
import { nnm } from './before/nnm.ts'
import { guardRule, guardStage } from './guard.ts'
import { bulyan } from './rules/bulyan.ts'
import { caf } from './rules/caf.ts'
import { centeredClipping } from './rules/centered-clipping.ts'
import { clippedClustering } from './rules/clipped-clustering.ts'
import { dnc } from './rules/dnc.ts'
import { flame } from './rules/flame.ts'
import { fltrust } from './rules/fltrust.ts'
import { foolsgold } from './rules/foolsgold.ts'
import { geometricMedian } from './rules/geometric-median.ts'
import { krum } from './rules/krum.ts'
import { mda } from './rules/mda.ts'
import { meamed } from './rules/meamed.ts'
import { mean } from './rules/mean.ts'
import { median } from './rules/median.ts'
import { monna } from './rules/monna.ts'
import { multiKrum } from './rules/multi-krum.ts'
import { signguard } from './rules/signguard.ts'
import { smea } from './rules/smea.ts'
import { trimmedMean } from './rules/trimmed-mean.ts'

/** Every rule by its name in a plan. */
export const rules = {
  mean: guardRule(mean),
  median: guardRule(median),
  'trimmed-mean': guardRule(trimmedMean),
  meamed: guardRule(meamed),
  'geometric-median': guardRule(geometricMedian),
  krum: guardRule(krum),
  'multi-krum': guardRule(multiKrum),
  bulyan: guardRule(bulyan),
  'centered-clipping': guardRule(centeredClipping),
  mda: guardRule(mda),
  monna: guardRule(monna),
  caf: guardRule(caf),
  smea: guardRule(smea),
  dnc: guardRule(dnc),
  fltrust: guardRule(fltrust),
  foolsgold: guardRule(foolsgold),
  flame: guardRule(flame),
  signguard: guardRule(signguard),
  'clipped-clustering': guardRule(clippedClustering),
} as const
export type RuleName = keyof typeof rules

/** Every stage before the rule by its name in a plan. */
export const stages = {
  nnm: guardStage(nnm),
  clip: guardStage(clip),
  arc: guardStage(arc),
  bucketing: guardStage(bucketing),
  fednova: guardStage(fednova),
} as const
export type StageName = keyof typeof stages
