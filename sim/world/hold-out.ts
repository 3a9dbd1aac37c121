import { ParleyError } from '../../core/errors/index.ts'
import { randomOf } from '../../core/random/random.ts'
import { type Fold, kFold } from '../partition/k-fold.ts'
import { clientName } from './names.ts'
import type { WorldPlan } from './scenario.ts'

type Clients = Pick<WorldPlan, 'clients' | 'attackers' | 'holdOut' | 'seed'>

/**
 * Who trains and who is held out, by number. Only honest clients are held out: how a model does on an attacker's data says nothing.
 * Which ones follows from the world's seed. Throws `plan.infeasible` unless 2 ≤ folds ≤ honest clients.
 */
export function membersOf({ clients, attackers, holdOut, seed }: Clients): Fold {
  const honest = clients - (attackers?.count ?? 0)
  const all = Array.from({ length: clients }, (_, client) => client)
  if (holdOut === undefined) return { train: all, heldOut: [] }
  const { folds, fold } = holdOut
  if (folds > honest) {
    throw new ParleyError('plan.infeasible', `world.holdOut.folds: ${folds} folds of ${honest} honest clients`)
  }
  const heldOut = kFold(honest, folds, randomOf(seed, 'folds'))[fold - 1]?.heldOut ?? []
  const away = new Set(heldOut)
  return { train: all.filter((client) => !away.has(client)), heldOut }
}

/** The ids of the clients that train, and of those that are held out. */
export function memberNames(world: Clients): {
  readonly train: readonly string[]
  readonly heldOut: readonly string[]
} {
  const { train, heldOut } = membersOf(world)
  const named = (client: number) => clientName(client, world.clients)
  return { train: train.map(named), heldOut: heldOut.map(named) }
}
