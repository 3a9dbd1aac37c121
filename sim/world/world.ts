import { isAbsolute, resolve } from 'node:path'
import type { DataFiles, Examples } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { dataEnds } from '../../core/plan/data.ts'
import { randomOf } from '../../core/random/random.ts'
import type { ChosenAttack } from '../attacks/registry.ts'
import { generateWorld } from '../data/registry.ts'
import { shared, slice } from '../data/slice.ts'
import { loadWorld, type WorldData } from '../data/world.ts'
import { shifted, shiftOf } from '../partition/feature-shift.ts'
import { partition } from '../partition/registry.ts'
import type { Scenario, WorldPlan } from './scenario.ts'

/** The data of a scenario, dealt to its clients. */
export type DealtWorld = {
  readonly shape: readonly number[]
  readonly classes: number
  /** In memory that threads share. What attackers poisoned is poisoned in it. */
  readonly train: Examples
  readonly test: Examples
  /** Held-out examples on which an attack on the data shows whether it came through. */
  readonly probe: Examples | undefined
  readonly rows: readonly { readonly train: Uint32Array; readonly test: Uint32Array }[]
}

/**
 * Reads or generates the data, deals them, and lets attackers on the data poison theirs. Everything follows from the seed.
 * Fails as the client's loader does, and with `plan.invalid` where the data do not fit the plan's model.
 */
export async function dealWorld(
  { plan, world }: Scenario,
  folder: string,
  attack: ChosenAttack | undefined,
): Promise<DealtWorld> {
  const data = await dataOf(plan.data, world, folder)
  const ends = dataEnds(plan.data)
  if (data.shape.join() !== ends.shape.join() || data.classes !== ends.classes) {
    throw new ParleyError(
      'plan.invalid',
      `world.data has examples of shape [${data.shape}] with ${data.classes} outputs, plan.data says [${ends.shape}] and ${ends.classes}`,
    )
  }
  const train = shared(data.train)
  const test = shared(data.test)
  const random = (stream: string) => randomOf(world.seed, stream)
  const dealt = partition(world.partition, train.labels, world.clients, random('partition'))
  const heldOut = partition({ iid: {} }, test.labels, world.clients, random('held out'))
  const rows = dealt.map((own, i) => ({ train: own, test: heldOut[i] ?? new Uint32Array(0) }))
  const made = { ...data, train, test, rows }
  if (world.featureShift !== undefined) shiftAll(made, world.featureShift, world.seed)
  const poisoned = attack === undefined ? undefined : poison(made, world, attack)
  return { ...made, probe: poisoned === undefined ? undefined : shared(poisoned) }
}

async function dataOf(data: Scenario['plan']['data'], world: WorldPlan, folder: string): Promise<WorldData> {
  if ('generated' in world.data) return generateWorld(world.data.generated, world.seed)
  const { files } = world.data
  const place = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  if ('csv' in files) return await loadWorld(data, { csv: place(files.csv) })
  const pair = ({ images, labels }: { images: string; labels: string }): DataFiles => ({
    images: place(images),
    labels: place(labels),
  })
  return await loadWorld(data, pair(files), files.test === undefined ? undefined : pair(files.test))
}

type Made = Omit<DealtWorld, 'probe'>

function shiftAll(made: Made, shift: NonNullable<WorldPlan['featureShift']>, seed: number): void {
  const clients = made.rows.length
  made.rows.forEach(({ train, test }, client) => {
    const own = shiftOf(shift, { client, clients, random: randomOf(seed, `shift/${client}`) })
    const noise = randomOf(seed, `shift noise/${client}`)
    write(made.train, train, shifted(slice(made.train, train), made.shape, own, noise))
    write(made.test, test, shifted(slice(made.test, test), made.shape, own, noise))
  })
}

/** Poisons the attackers' rows in place; gives the examples that show whether it worked. */
function poison(made: Made, world: WorldPlan, { attack, options }: ChosenAttack): Examples | undefined {
  if (attack.kind !== 'data') return undefined
  const { classes, shape, test } = made
  const count = world.attackers?.count ?? 0
  for (let client = world.clients - count; client < world.clients; client++) {
    const random = randomOf(world.seed, `poison/${client}`)
    const own = made.rows[client]?.train ?? new Uint32Array(0)
    write(made.train, own, attack.poison(slice(made.train, own), { classes, shape, random }, options))
  }
  return attack.probe?.(test, { classes, shape }, options)
}

function write(into: Examples, rows: Uint32Array, from: Examples): void {
  const width = into.features.length / into.rows
  rows.forEach((row, i) => {
    into.features.set(from.features.subarray(i * width, (i + 1) * width), row * width)
    into.labels[row] = from.labels[i] as number
  })
}
