import { availableParallelism } from 'node:os'
import { classesOf, type EngineName, LABEL_PARTS, startingModel, type Trainer } from '../client/index.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import { toHex, utf8 } from '../core/encoding/bytes.ts'
import { type CanonicalValue, canonicalJson } from '../core/encoding/canonical-json.ts'
import { ParleyError } from '../core/errors/index.ts'
import { type BaseFiles, baseOf } from '../core/import/base-model.ts'
import { canonicalPlan } from '../core/plan/parse.ts'
import { startText } from '../core/plan/start.ts'
import type { RunView } from '../core/run/view.ts'
import type { Layout } from '../core/tensors/layout.ts'
import { createKernels } from '../kernels/index.ts'
import { attackOf, type ChosenAttack } from './attacks/registry.ts'
import { trainingPool } from './pool/pool.ts'
import type { SimulatedRound, SimulationEvent, SimulationResult } from './results.ts'
import { knownRules, type OwnRules } from './rules/own-rules.ts'
import { Simulation } from './simulation.ts'
import { memberNames } from './world/hold-out.ts'
import type { Scenario } from './world/scenario.ts'
import { type DealRows, type DealtWorld, dealWorld } from './world/world.ts'

export type SimulateOptions = {
  /** Folder from which paths of data files are counted; by default the working directory. */
  readonly folder?: string
  /** Training threads; 0 trains in this one. By default one for each processor. The result does not depend on it. */
  readonly workers?: number
  /** By default the fastest engine that works here. */
  readonly engine?: EngineName
  /** The model that the plan starts from, where it names one: a simulation has no registry, and no files of a coordinator. */
  readonly base?: BaseFiles | undefined
  /** An attack that the registry does not know, in the place of the scenario's. */
  readonly attack?: ChosenAttack
  /** Deals the training rows, in the place of the scenario's partitioner. */
  readonly partitioner?: DealRows
  /** Rules that the registry does not know, by the names by which the plan asks for one: those with which it was checked. */
  readonly rules?: OwnRules | undefined
  /** Replaces the training of honest clients: for experiments with the protocol alone. */
  readonly trainer?: (client: number, layout: Layout) => Trainer
  readonly onEvent?: (event: SimulationEvent) => void
  readonly signal?: AbortSignal
}

/**
 * Runs a scenario: the product's own coordinator and clients, in virtual time. The same scenario gives the same result,
 * down to the digests, whatever the number of workers. Fails with `plan.invalid` or `plan.infeasible` where the scenario
 * or `rules` do not fit together, as the client's loader does where its data are not what it says, with `client.training-failed` where
 * training threads die, with `interrupted` by `signal`.
 */
export async function simulate(scenario: Scenario, options: SimulateOptions = {}): Promise<SimulationResult> {
  const { plan, world } = scenario
  checkBase(scenario, options)
  const rules = knownRules(options.rules)
  const attack = options.attack ?? (world.attackers === undefined ? undefined : attackOf(world.attackers.attack))
  const dealt = await dealWorld(scenario, options.folder ?? process.cwd(), attack, options.partitioner)
  const initial = await startingModel(plan).catch((failure: unknown) => {
    const { code, message } = ParleyError.from(failure)
    throw new ParleyError(code, `plan.model: ${message}`, { cause: failure })
  })
  const workers = options.workers ?? availableParallelism()
  const { scaffold: _scaffold, ...training } = plan.training
  const { shape, classes, numeric, train, test, central, probe, rows } = dealt
  let broken: ParleyError | undefined
  let stop: () => void = () => {}
  const pool = trainingPool(
    { model: plan.model, training, shape, classes, numeric, train, test, central, probe, rows, engine: options.engine },
    workers,
    (error) => {
      broken ??= error
      stop()
    },
  )
  const names = memberNames(world)
  const kernels = createKernels({ threads: workers })
  try {
    const simulation = new Simulation({
      scenario: { ...scenario, world: { ...world, clients: names.train.length } },
      names: names.train,
      attack,
      rules,
      initial,
      ...(options.base === undefined ? {} : { base: baseOf(nodeCrypto, options.base) }),
      pool,
      rowsOf: (client) => rows[client]?.train.length ?? 0,
      kernels,
      onEvent: (event) => options.onEvent?.(event),
      ...(options.trainer === undefined ? {} : { trainer: options.trainer }),
    })
    stop = () => simulation.interrupt()
    options.signal?.addEventListener('abort', stop, { once: true })
    if (options.signal?.aborted === true) stop()
    const { view, rounds, records } = await simulation
      .run()
      .catch((failure: unknown) => {
        // What stopped it, not that it was stopped.
        throw broken ?? failure
      })
      .finally(() => options.signal?.removeEventListener('abort', stop))
    const { trainedOn } = pool
    return {
      ...resultOf(scenario, attack, dealt, view, rounds, simulation.virtualMs),
      ...(records === undefined ? {} : { records }),
      ...(trainedOn === undefined ? {} : { trainedOn }),
    }
  } finally {
    await pool.close()
    await kernels.close()
  }
}

function checkBase({ plan: { start } }: Scenario, { base }: SimulateOptions): void {
  if ((start === undefined) === (base === undefined)) return
  throw new ParleyError(
    'request.invalid',
    start === undefined
      ? 'there is a model to start from, and the plan has no section start'
      : `the plan starts from ${startText(start)}, which is not given; with parley sim run it is by --base`,
  )
}

/** SHA-256 of the scenario in canonical form. */
export function scenarioDigest({ plan, world }: Pick<Scenario, 'plan' | 'world'>): string {
  const plain = JSON.parse(JSON.stringify({ plan, world })) as CanonicalValue
  return toHex(nodeCrypto.sha256(utf8(canonicalJson(plain))))
}

function resultOf(
  scenario: Scenario,
  attack: ChosenAttack | undefined,
  dealt: DealtWorld,
  view: RunView,
  rounds: readonly SimulatedRound[],
  virtualMs: number,
): SimulationResult {
  const { world, plan, description } = scenario
  if (view.outcome === undefined) throw new ParleyError('internal', 'the run ended without an outcome')
  const names = memberNames(world)
  const honest = names.train.length - (world.attackers?.count ?? 0)
  const weights = rounds.findLast((round) => round.weights !== undefined)?.weights
  return {
    scenario: scenarioDigest(scenario),
    plan: toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan)))),
    ...(description === undefined ? {} : { description }),
    clients: names.train.length,
    attackers: names.train.slice(honest),
    ...(world.holdOut === undefined ? {} : { heldOut: names.heldOut }),
    ...(attack === undefined ? {} : { attack: attack.name }),
    seed: world.seed,
    rounds,
    suspects: view.suspects,
    outcome: view.outcome,
    ...(weights === undefined ? {} : { weights }),
    virtualMs,
    world: worldOf(dealt),
  }
}

function worldOf({ rows, train, classes, numeric }: DealtWorld): SimulationResult['world'] {
  if (numeric === undefined) return { classes, rows: rowsByClass(rows, train.labels, Math.max(2, classes)) }
  const parts = classesOf(train.labels, { numeric })
  return { classes: LABEL_PARTS, numeric, rows: rowsByClass(rows, parts, LABEL_PARTS) }
}

function rowsByClass(rows: DealtWorld['rows'], labels: Int32Array, classes: number): number[][] {
  return rows.map(({ train: own }) => {
    const counts = Array<number>(classes).fill(0)
    for (const row of own) {
      const label = labels[row] as number
      counts[label] = (counts[label] as number) + 1
    }
    return counts
  })
}
