import { headlineOf, leadingOf, type MetricName, type Metrics } from '../../../core/metrics/metrics.ts'
import type { GateVerdict, RunOutcome } from '../../../core/run/view.ts'
import type { SimulatedRound, SimulationResult } from '../../results.ts'
import { type Markup, markup } from '../page/markup.ts'
import { type Fact, facts, type Table, type Tile, table, tiles } from '../page/table.ts'
import { bytes, capitalised, count, duration, figure, listed, percent, plural } from '../page/text.ts'
import { extentOf } from '../plot/axis.ts'
import { partitionWords } from './world.ts'

/** The name of a run: the first line of its description, or else its digest. */
export function titleOf({ description, scenario }: SimulationResult): string {
  const first = description?.trim().split('\n')[0]?.trim()
  return first === undefined || first === '' ? `Simulation ${scenario.slice(0, 12)}` : first
}

/** The lines of the description that the title has not. */
export function leadOf({ description }: SimulationResult): string | undefined {
  const rest = description?.trim().split('\n').slice(1).join('\n').trim()
  return rest === undefined || rest === '' ? undefined : rest
}

/** Metrics on the whole test set where there are any, or else on the clients' held-out rows. */
export function headline(round: SimulatedRound): Metrics | undefined {
  return round.central ?? round.pooled
}

export function lastWith<K extends keyof SimulatedRound>(
  rounds: readonly SimulatedRound[],
  key: K,
): SimulatedRound | undefined {
  return rounds.findLast((round) => round[key] !== undefined)
}

export function rulesOf(rounds: readonly SimulatedRound[]): string {
  const rules = [...new Set(rounds.flatMap(({ robustness }) => robustness?.rule ?? []))]
  return rules.length === 0 ? 'no round was combined' : listed(rules, 3)
}

export function overview(result: SimulationResult): Markup {
  return markup`${outcomeNotice(result.outcome)}${tiles(tilesOf(result))}${facts(factsOf(result))}${finalFigures(result)}`
}

function tilesOf(result: SimulationResult): Tile[] {
  const { rounds, virtualMs, attackers, clients } = result
  const last = rounds.findLast((round) => headline(round) !== undefined)
  const metrics = last === undefined ? undefined : headline(last)
  const [first, second] = leadingOf([metrics])
  const on = last?.central === undefined ? 'clients’ held-out rows' : centralName(result)
  const where = last === undefined ? 'not evaluated' : `${on}, round ${last.round}`
  const success = lastWith(rounds, 'attackSuccess')
  const trained = rounds.filter(({ weights }) => weights !== undefined).length
  const sent = rounds.reduce((sum, round) => sum + round.bytes, 0)
  return [
    { name: capitalised(nameOfMetric(first)), value: figure(metrics?.[first] ?? null), note: where },
    {
      name: capitalised(nameOfMetric(second)),
      value: figure(metrics?.[second] ?? null),
      note: lowest(rounds, second) ?? where,
    },
    ...(success === undefined
      ? []
      : [
          {
            name: 'Attack success',
            value: figure(success.attackSuccess),
            note: `on the attack’s probe, round ${success.round}`,
          },
        ]),
    {
      name: 'Attackers',
      value: `${count(attackers.length)} of ${count(clients)}`,
      note: attackers.length === 0 ? 'all clients are honest' : `${percent(attackers.length / clients)} of the clients`,
    },
    {
      name: 'Rounds',
      value: count(rounds.length),
      note: trained === rounds.length ? 'each made a new model' : `${count(trained)} made a new model`,
    },
    { name: 'Virtual time', value: duration(virtualMs), note: perRound(virtualMs, rounds.length) },
    { name: 'Accepted updates', value: bytes(sent), note: 'sealed bytes sent by clients' },
  ]
}

function lowest(rounds: readonly SimulatedRound[], metric: MetricName): string | undefined {
  let best: { value: number; round: number } | undefined
  for (const round of rounds) {
    const value = headline(round)?.[metric] ?? null
    if (value !== null && Number.isFinite(value) && (best === undefined || value < best.value))
      best = { value, round: round.round }
  }
  return best === undefined ? undefined : `lowest ${figure(best.value)} in round ${best.round}`
}

function perRound(ms: number, rounds: number): string {
  return rounds === 0 ? 'no round was held' : `${duration(ms / rounds)} a round`
}

export function factsOf(result: SimulationResult): Fact[] {
  const { attack, attackers, heldOut, clients, seed, plan, scenario, weights, rounds, records, trainedOn } = result
  const assumed = rounds.find(({ robustness }) => robustness !== undefined)?.robustness?.attackers ?? 0
  return [
    ['Rule', `${rulesOf(rounds)}${assumed === 0 ? '' : `, against ${plural(assumed, 'attacker')}`}`],
    ['Attack', attackers.length === 0 ? 'none' : (attack ?? 'none')],
    ['Attackers', listed(attackers, 6)],
    ...(heldOut === undefined ? [] : [['Held out', listed(heldOut, 6)] as const]),
    ['Data', partitionWords(result.world)],
    ['Cohorts', cohortWords(rounds, clients)],
    ...(records === undefined
      ? []
      : [
          [
            'Privacy of a row',
            `ε ${figure(records.epsilon)} at δ ${records.delta}, at ${records.client}, where it is most`,
          ] as const,
        ]),
    ['Seed', String(seed)],
    ...(trainedOn === undefined ? [] : [['Trained on', `${trainedOn.engine}: ${trainedOn.why}`] as const]),
    ['Weights', weights === undefined ? 'no round made a model' : markup`<code>${weights}</code>`],
    ['Plan', markup`<code>${plan}</code>`],
    ['Scenario', markup`<code>${scenario}</code>`],
  ]
}

function cohortWords(rounds: readonly SimulatedRound[], clients: number): string {
  const sizes = extentOf(rounds.map(({ cohort }) => cohort.length))
  if (sizes === undefined) return 'none'
  const [least, most] = sizes
  return `${least === most ? '' : `${count(least)} to `}${count(most)} of ${plural(clients, 'client')} a round`
}

export function outcomeWords(outcome: RunOutcome): string {
  switch (outcome.kind) {
    case 'published':
      return `Published as version ${outcome.version}`
    case 'rejected':
      return outcome.gates.length === 0
        ? 'Not published: the plan has no gates'
        : 'Not published: the candidate did not pass its gates'
    case 'failed':
      return `Failed: ${outcome.code}`
    case 'stopped':
      return 'Stopped'
    default:
      return outcome satisfies never
  }
}

function outcomeNotice(outcome: RunOutcome): Markup {
  const good = outcome.kind === 'published' || (outcome.kind === 'rejected' && outcome.gates.length === 0)
  return markup`<div class="notice${good && ' good'}"><b>${outcomeWords(outcome)}</b>${outcomeDetails(outcome)}</div>`
}

function outcomeDetails(outcome: RunOutcome): Markup {
  switch (outcome.kind) {
    case 'failed':
      return markup`<br/>${outcome.message}`
    case 'stopped':
      return markup`<br/>${outcome.reason}`
    case 'published':
    case 'rejected':
      return markup`${outcome.gates.map(gateLine)}`
    default:
      return outcome satisfies never
  }
}

const VERDICTS = { pass: '✓ passed', fail: '✗ failed', 'not-evaluable': '? not evaluable' } as const

function gateLine({ gate, verdict, explanation }: GateVerdict): Markup {
  return markup`<br/>${VERDICTS[verdict]}: ${gate} (${explanation})`
}

const NAMES: { readonly [metric in MetricName]?: string } = {
  f1: 'F1',
  auc: 'AUC',
  mae: 'mean absolute error',
  rmse: 'root mean squared error',
  r2: 'R²',
}

/** A metric as people write it. */
export function nameOfMetric(metric: MetricName): string {
  return NAMES[metric] ?? metric
}

export function metricHead(names: readonly MetricName[]): string[] {
  return names.map(nameOfMetric)
}

export function metricCells(metrics: Metrics, names: readonly MetricName[]): string[] {
  return names.map((name) => figure(metrics[name]))
}

/** What the simulator evaluates the model on. */
export function centralName({ heldOut }: Pick<SimulationResult, 'heldOut'>): string {
  return heldOut === undefined ? 'central test set' : 'rows of clients that were held out'
}

function finalFigures(result: SimulationResult): Markup {
  const { rounds } = result
  const central = lastWith(rounds, 'central')
  const pooled = lastWith(rounds, 'pooled')
  const names = headlineOf([central?.central, pooled?.pooled])
  const rows: Table['rows'] = [
    ...(central?.central === undefined
      ? []
      : [
          [
            capitalised(centralName(result)),
            central.round,
            count(central.central.rows),
            ...metricCells(central.central, names),
          ],
        ]),
    ...(pooled?.pooled === undefined
      ? []
      : [
          [
            'Clients’ held-out rows, pooled',
            pooled.round,
            count(pooled.pooled.rows),
            ...metricCells(pooled.pooled, names),
          ],
        ]),
  ]
  if (rows.length === 0) return markup``
  return markup`<div class="block">${table({ label: 'Final figures', head: ['Final figures', 'round', 'rows', ...metricHead(names)], rows })}</div>`
}
