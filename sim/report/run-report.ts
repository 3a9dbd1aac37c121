import type { SimulationResult } from '../results.ts'
import { documentOf, type Section } from './page/document.ts'
import { markup } from './page/markup.ts'
import { clientTotals } from './run/clients.ts'
import { evaluation } from './run/evaluation.ts'
import { learning } from './run/learning.ts'
import { leadOf, overview, titleOf } from './run/overview.ts'
import { roundsTable } from './run/rounds-table.ts'
import { traffic } from './run/traffic.ts'
import { clientTable, updateMaps } from './run/update-maps.ts'
import { suspicion, updateLines } from './run/updates.ts'
import { worldFigures } from './run/world.ts'

/** A run of the simulator as one HTML document that needs nothing besides itself. The same result gives the same bytes. */
export function runReport(result: SimulationResult): string {
  const lead = leadOf(result)
  return documentOf({
    kind: 'simulation report',
    title: titleOf(result),
    ...(lead === undefined ? {} : { lead }),
    summary: overview(result),
    sections: sectionsOf(result),
  })
}

function sectionsOf(result: SimulationResult): Section[] {
  const { rounds } = result
  const world: Section = { id: 'data', title: 'Data', body: worldFigures(result) }
  if (rounds.length === 0) return [{ ...world, lead: 'No round was held.' }]
  const totals = clientTotals(result)
  const evaluated = rounds.some(({ confusion, clients }) => confusion !== undefined || clients.length > 0)
  return [
    { id: 'learning', title: 'Learning', body: markup`${learning(rounds)}${roundsTable(rounds)}` },
    {
      id: 'updates',
      title: result.attackers.length > 0 ? 'Updates and attackers' : 'Updates',
      lead: suspicion(result),
      body: markup`${updateLines(result)}${updateMaps(result, totals)}${clientTable(totals, result)}`,
    },
    ...(evaluated ? [{ id: 'evaluation', title: 'Evaluation', body: evaluation(rounds) }] : []),
    { id: 'traffic', title: 'Traffic and time', body: traffic(rounds) },
    world,
  ]
}
