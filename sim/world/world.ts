import { classesOf, type DataFiles, type Examples } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { LabelRange } from '../../core/metrics/counts.ts'
import { dataEnds } from '../../core/plan/data.ts'
import { type Random, randomOf } from '../../core/random/random.ts'
import type { ChosenAttack } from '../attacks/registry.ts'
import { listedColumn, tableColumns, type WorldColumns } from '../data/columns.ts'
import { generateWorld } from '../data/registry.ts'
import { shared, slice } from '../data/slice.ts'
import { type KnownData, loadWorld } from '../data/world.ts'
import { shifted, shiftOf } from '../partition/feature-shift.ts'
import type { Columns } from '../partition/partitioner.ts'
import { groupingOf } from '../partition/partitioners/natural.ts'
import { partition } from '../partition/registry.ts'
import { dataFilesOf } from './data-files.ts'
import { membersOf } from './hold-out.ts'
import { clientName } from './names.ts'
import type { Scenario, WorldPlan } from './scenario.ts'

/**
 * Deals rows to clients in a way that the registry does not know: the rows of each client, from labels (class of each row),
 * the number of clients, random numbers that follow from the world's seed, and the columns of the data file where it is a table.
 * A row goes to one client at most.
 */
export type DealRows = (
  labels: Int32Array,
  clients: number,
  random: Random,
  columns: Columns,
) => readonly ArrayLike<number>[]

/** The data of a scenario, dealt to the clients that train. */
export type DealtWorld = {
  readonly shape: readonly number[]
  readonly classes: number
  /** The range of a numeric label. */
  readonly numeric: LabelRange | undefined
  /** In memory that threads share. What attackers poisoned is poisoned in it. */
  readonly train: Examples
  readonly test: Examples
  /** What the model is evaluated on by the simulator: `test`, or all rows of the clients that are held out. */
  readonly central: Examples
  /** Held-out examples on which an attack on the data shows whether it came through. */
  readonly probe: Examples | undefined
  readonly rows: readonly { readonly train: Uint32Array; readonly test: Uint32Array }[]
}

/**
 * Reads or generates the data, deals them, and lets attackers on the data poison theirs. Everything follows from the seed. Clients
 * that the world holds out have no rows among those that are trained on.
 * Fails as the client's loader does, and with `plan.invalid` where the data do not fit the plan's model.
 */
export async function dealWorld(
  { plan, world }: Scenario,
  folder: string,
  attack: ChosenAttack | undefined,
  deal?: DealRows,
): Promise<DealtWorld> {
  const { columns, ...data } = await dataOf(plan.data, world, folder, deal !== undefined)
  const ends = dataEnds(plan.data)
  if (data.shape.join() !== ends.shape.join() || data.classes !== ends.classes) {
    throw new ParleyError(
      'plan.invalid',
      `world.data has examples of shape [${data.shape}] with ${data.classes} outputs, plan.data says [${ends.shape}] and ${ends.classes}`,
    )
  }
  if (labelText(data) !== labelText(ends)) {
    throw new ParleyError('plan.invalid', `world.data has ${labelText(data)}, plan.data says ${labelText(ends)}`)
  }
  const train = shared(data.train)
  const test = shared(data.test)
  const { numeric } = ends
  const made = { ...data, numeric, train, test, rows: rowsOf({ train, test, numeric }, world, columns, deal) }
  checkAllHaveRows(made.rows, train.rows)
  if (world.featureShift !== undefined) shiftAll(made, world.featureShift, world.seed)
  const poisoned = attack === undefined ? undefined : poison(made, world, attack)
  const { train: members, heldOut } = membersOf(world)
  return {
    ...made,
    rows: picked(made.rows, members),
    central: heldOut.length === 0 ? test : shared(allOf(made, picked(made.rows, heldOut))),
    probe: poisoned === undefined ? undefined : shared(poisoned),
  }
}

type Rows = DealtWorld['rows'][number]

function labelText({ numeric }: { readonly numeric?: LabelRange | undefined }): string {
  return numeric === undefined ? 'a label of classes' : `a numeric label from ${numeric.min} to ${numeric.max}`
}

function checkAllHaveRows(rows: readonly Rows[], all: number): void {
  const without = rows.findIndex(({ train }) => train.length === 0)
  if (without < 0) return
  throw new ParleyError(
    'plan.infeasible',
    `world.clients: of ${all} training rows ${clientName(without, rows.length)} of ${rows.length} clients has none`,
  )
}

function rowsOf(
  { train, test, numeric }: Pick<DealtWorld, 'train' | 'test' | 'numeric'>,
  world: WorldPlan,
  columns: KnownData['columns'],
  deal: DealRows | undefined,
): Rows[] {
  const random = (stream: string) => randomOf(world.seed, stream)
  const { clients } = world
  const range = numeric === undefined ? {} : { numeric }
  const classes = classesOf(train.labels, range)
  const dealt =
    deal === undefined
      ? partition(world.partition, classes, clients, random('partition'), columns?.train)
      : checkedDeal(deal(classes, clients, random('partition'), columns?.train ?? {}), train.rows, clients)
  const heldOut =
    deal === undefined && 'natural' in world.partition && columns?.test !== undefined
      ? withTheirGroup(dealt, groupingOf(world.partition.natural), columns.train, columns.test)
      : partition({ iid: {} }, classesOf(test.labels, range), clients, random('held out'))
  return dealt.map((own, i) => ({ train: own, test: heldOut[i] ?? new Uint32Array(0) }))
}

/** Held-out rows of a group are those of the client that has the group; of a group that nobody trains on they are nobody's. */
function withTheirGroup(dealt: readonly Uint32Array[], name: string, train: Columns, test: Columns): Uint32Array[] {
  const owners = new Map<string | number | undefined, number>()
  dealt.forEach((rows, client) => {
    for (const row of rows) {
      const group = train[name]?.[row]
      if (!owners.has(group)) owners.set(group, client)
    }
  })
  const rows = dealt.map((): number[] => [])
  Array.from(test[name] ?? []).forEach((group, row) => {
    const owner = owners.get(group)
    if (owner !== undefined) rows[owner]?.push(row)
  })
  return rows.map((own) => Uint32Array.from(own))
}

/** A function from outside may do anything. */
function checkedDeal(parts: readonly ArrayLike<number>[], rows: number, clients: number): Uint32Array[] {
  const wrong = (what: string) => new ParleyError('plan.infeasible', `the partitioner that was passed in ${what}`)
  if (!Array.isArray(parts) || parts.length !== clients) {
    throw wrong(`gave ${Array.isArray(parts) ? parts.length : 'no'} parts for ${clients} clients`)
  }
  const dealt = new Set<number>()
  return parts.map((part: ArrayLike<number>) => {
    for (const row of Array.from(part)) {
      if (!(Number.isInteger(row) && row >= 0 && row < rows)) throw wrong(`gave row ${row}: there are ${rows}`)
      if (dealt.has(row)) throw wrong(`gave row ${row} twice`)
      dealt.add(row)
    }
    return Uint32Array.from(part).sort()
  })
}

function picked(rows: readonly Rows[], clients: readonly number[]): Rows[] {
  return clients.map((client) => rows[client]).filter((found) => found !== undefined)
}

/** Everything that some clients have, what they would have trained on first. */
function allOf({ train, test }: Pick<DealtWorld, 'train' | 'test'>, rows: readonly Rows[]): Examples {
  const parts = rows.flatMap((own) => [slice(train, own.train), slice(test, own.test)])
  const width = train.features.length / train.rows
  const count = parts.reduce((sum, part) => sum + part.rows, 0)
  const [features, labels] = [new Float32Array(count * width), new Int32Array(count)]
  let at = 0
  for (const part of parts) {
    features.set(part.features, at * width)
    labels.set(part.labels, at)
    at += part.rows
  }
  return { rows: count, features, labels }
}

async function dataOf(
  data: Scenario['plan']['data'],
  world: WorldPlan,
  folder: string,
  allColumns: boolean,
): Promise<KnownData> {
  if ('generated' in world.data) return generateWorld(world.data.generated, world.seed)
  const { files } = world.data
  const { main, test, ids } = dataFilesOf(world, folder)
  const loaded = await loadWorld(data, main, test).catch((failure: unknown) => {
    throw located(failure, `world.data.files${'csv' in files ? '.csv' : ''}`)
  })
  const natural = 'natural' in world.partition ? world.partition.natural : undefined
  if (natural !== undefined && ids !== undefined) {
    return { ...loaded, columns: dealtColumns(await listedColumn(data, main, ids, groupingOf(natural)), test) }
  }
  if (!('csv' in main && 'csv' in data) || (natural === undefined && !allColumns)) return loaded
  return { ...loaded, columns: await tableColumns(data, main.csv, allColumns ? undefined : groupingOf(natural ?? {})) }
}

/** Where test files are given, the rows that the others hold out are dealt as well, behind the rest. */
function dealtColumns(
  { train, test }: WorldColumns,
  testFiles: DataFiles | undefined,
): NonNullable<KnownData['columns']> {
  if (testFiles === undefined) return { train, test }
  const all = Object.entries(train).map(([name, own]) => [name, [...Array.from(own), ...Array.from(test[name] ?? [])]])
  return { train: Object.fromEntries(all) as Columns }
}

/** The loader knows its columns, not where in a scenario its file stands. */
function located(failure: unknown, where: string): unknown {
  if (!(failure instanceof ParleyError) || !failure.code.startsWith('data.')) return failure
  const { code, message, details } = failure
  return new ParleyError(code, `${where}: ${message}`, {
    cause: failure,
    ...(details === undefined ? {} : { details }),
  })
}

type Made = Omit<DealtWorld, 'probe' | 'central'>

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
  const { classes, numeric, shape, test } = made
  const count = world.attackers?.count ?? 0
  for (let client = world.clients - count; client < world.clients; client++) {
    const random = randomOf(world.seed, `poison/${client}`)
    const own = made.rows[client]?.train ?? new Uint32Array(0)
    write(made.train, own, attack.poison(slice(made.train, own), { classes, numeric, shape, random }, options))
  }
  return attack.probe?.(test, { classes, numeric, shape }, options)
}

function write(into: Examples, rows: Uint32Array, from: Examples): void {
  const width = into.features.length / into.rows
  rows.forEach((row, i) => {
    into.features.set(from.features.subarray(i * width, (i + 1) * width), row * width)
    into.labels[row] = from.labels[i] as number
  })
}
