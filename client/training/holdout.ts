import { canonicalPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Holdout, HoldoutCounts, HoldoutFacts, HoldoutModels } from '../../core/run/holdout.ts'
import type { Dataset } from '../data/dataset.ts'
import { type HeldDataset, loadHeldRows } from '../data/held-rows.ts'
import type { DataFiles } from '../data/load.ts'
import { countAll, type Scored } from './count-groups.ts'
import { changedClasses, countHoldout } from './count-holdout.ts'
import type { EngineName } from './engine-names.ts'
import { chooseNetwork } from './engines.ts'
import { scored } from './loop.ts'
import type { Network } from './network.ts'

/** A coordinator's own files: rows to be judged on, and rows that bear a trigger. */
export type HoldoutFiles = { readonly holdout: DataFiles; readonly trigger?: DataFiles }

type Held = { readonly rows: HeldDataset; readonly trigger?: HeldDataset }

/**
 * Evaluates models on a coordinator's own data as a client would on its held-out rows, for gates `on: holdout` and probes. All rows
 * of the files are held out. They are read once for each plan; what was changed since is seen by the next plan, or after a restart.
 */
export function holdoutEvaluator(files: HoldoutFiles, engine?: EngineName, heldFor = heldReader(files)): Holdout {
  return {
    hasTrigger: files.trigger !== undefined,
    facts: async (plan) => factsOf((await heldFor(plan)).rows),
    evaluate: async (plan, round, models) => {
      const held = await heldFor(plan)
      const network = await chooseNetwork({ model: plan.model, ends: held.rows.dataset }, { own: engine })
      try {
        return await evaluate({ network, held, plan, round }, models)
      } finally {
        network.dispose()
      }
    },
  }
}

/** Reads a coordinator's rows once for each plan, for all that work with them. */
export type ReadHeld = (plan: Plan) => Promise<Held>

export function heldReader(files: HoldoutFiles): ReadHeld {
  let last: { readonly plan: string; readonly held: Promise<Held> } | undefined
  return (plan) => {
    const text = canonicalPlan(plan)
    if (last?.plan === text) return last.held
    const held = read(files, plan)
    last = { plan: text, held }
    // Files that could not be read are looked for again.
    held.catch(() => {
      if (last?.held === held) last = undefined
    })
    return held
  }
}

async function read(files: HoldoutFiles, plan: Plan): Promise<Held> {
  const { groups } = plan.evaluation
  const rows = await loadHeldRows(plan.data, files.holdout, Object.keys(groups).length === 0 ? {} : { groups })
  const asks = plan.gates.some((gate) => 'probe' in gate && gate.probe === 'trigger')
  if (files.trigger === undefined || !asks) return { rows }
  return { rows, trigger: await loadHeldRows(plan.data, files.trigger, { scaling: rows.scaling }) }
}

function factsOf({ sha256, rows, dataset }: HeldDataset): HoldoutFacts {
  return { sha256, rows, lacking: dataset.groups?.lacking ?? [] }
}

type Work = { network: Network; held: Held; plan: Plan; round: number }

async function evaluate(work: Work, { candidate, champion }: HoldoutModels): Promise<HoldoutCounts> {
  const { held, plan, round } = work
  const { sha256, rows, dataset } = held.rows
  const own = await scoredOn(work, dataset, candidate)
  const inUse = champion === undefined ? undefined : await scoredOn(work, dataset, champion)
  const models = [own, ...(inUse === undefined ? [] : [inUse])].map((one) =>
    countHoldout(one, dataset.groups, plan.evaluation),
  )
  const perturbed = []
  for (const noise of noisesOf(plan)) {
    const disturbed = await scoredOn(work, withNoise(dataset, noise, plan.seed, round), candidate)
    perturbed.push({ noise, counts: countAll(disturbed) })
  }
  const counts = { sha256, rows, models, perturbed }
  const compared = inUse === undefined ? counts : { ...counts, changed: changedClasses(own, inUse) }
  if (held.trigger === undefined) return compared
  const { trigger } = held
  const steered = countAll(await scoredOn(work, trigger.dataset, candidate))
  return { ...compared, trigger: { sha256: trigger.sha256, rows: trigger.rows, counts: steered } }
}

function scoredOn({ network }: Work, dataset: Dataset, weights: Float32Array): Promise<Scored> {
  return scored({ network, dataset }, weights, new AbortController().signal)
}

/** Each strength of noise that a probe of the plan asks for, once. */
function noisesOf({ gates }: Plan): number[] {
  const asked = gates.flatMap((gate) => ('probe' in gate && gate.probe === 'perturbed' ? [gate.perturb.noise] : []))
  return [...new Set(asked)]
}

/**
 * The same rows with x + noise·z for each input x, z standard normal: the same z for the same seed and round, whatever the strength
 * and the model, so that strengths and models are compared on one draw.
 */
function withNoise(dataset: Dataset, noise: number, seed: number, round: number): Dataset {
  const random = randomOf(seed, `perturbed ${round}`)
  const features = dataset.test.features.map((x) => x + noise * random.normal())
  return { ...dataset, test: { ...dataset.test, features } }
}
