import { evenly } from './downsample.ts'

export type Choosable = { readonly client: string; readonly attacker: boolean; readonly suspect: boolean }

/**
 * The clients that there is room for: attackers first, then suspects, up to a third of the room each; the rest is shared out
 * evenly among the others. In the order of ids within each of the two groups, attackers before honest clients.
 */
export function chosenClients<T extends Choosable>(clients: readonly T[], most: number): readonly T[] {
  const attackers = clients.filter(({ attacker }) => attacker)
  const honest = clients.filter(({ attacker }) => !attacker)
  if (clients.length <= most) return [...attackers, ...honest]
  const third = Math.ceil(most / 3)
  const shownAttackers = evenly(attackers, Math.max(third, most - honest.length))
  const suspects = new Set(
    evenly(
      honest.filter(({ suspect }) => suspect),
      third,
    ),
  )
  const others = evenly(
    honest.filter((one) => !suspects.has(one)),
    most - shownAttackers.length - suspects.size,
  )
  const shown = new Set([...suspects, ...others])
  return [...shownAttackers, ...honest.filter((one) => shown.has(one))]
}
