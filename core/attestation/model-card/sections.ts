import { bullets, code, inline, type Prose, proseLines, table } from './escape.ts'
import type { CardGate, CardInput, CardResult } from './input.ts'

export type Section = { readonly title: string; readonly lines: readonly string[] }

/** A number with four decimals at most. */
export function figure(value: number | null): string {
  return value === null || !Number.isFinite(value) ? '–' : String(Number(value.toFixed(4)) || 0)
}

function interval(bounds: readonly [number, number] | null): string {
  return bounds === null ? '–' : `${figure(bounds[0])} to ${figure(bounds[1])}`
}

const verdicts: Record<CardGate['verdict'], string> = {
  pass: 'pass',
  fail: '**fail**',
  'not-evaluable': '**not evaluable**',
  overridden: '**failed, overridden**',
}

/** On the first screen: what was let pass although a gate failed. */
export function deviations({ deviations: all }: CardInput): Section[] {
  if (all.length === 0) return []
  const items = all.map(
    ({ gate, reason, approvedBy }) =>
      `Gate ${code(gate)} failed and was overridden by ${approvedBy.map(code).join(' and ')}: ${inline(reason)}`,
  )
  return [{ title: 'Deviations', lines: bullets(items) }]
}

export function use({ author }: CardInput): Section[] {
  return [
    { title: 'Intended use', lines: prose(author.intendedUse) },
    { title: 'Not intended', lines: prose(author.notIntended) },
  ]
}

export function version({
  model,
  number,
  weights,
  evaluation,
  training,
  run,
  round,
  verifyCommand,
}: CardInput): Section {
  return {
    title: 'Version and how to verify it',
    lines: [
      ...table(
        ['', ''],
        [
          ['Model and version', `${code(model)} ${number}`],
          ['Run and round', `${code(run)}, round ${round}`],
          ['Weights, SHA-256', code(weights)],
          ['Plan, SHA-256', code(training.plan)],
          ['Evaluation, SHA-256', code(evaluation)],
        ],
      ),
      '',
      'The digest of the whole folder stands in its signature, `model.sig`, which covers this card. Verify both with:',
      '',
      code(verifyCommand),
    ],
  }
}

export function data({ author, participants: { kind, pseudonyms } }: CardInput): Section {
  return {
    title: 'Participants and data',
    lines: [
      `${pseudonyms.length} participants (${inline(kind)}): ${pseudonyms.map(code).join(', ')}`,
      '',
      ...prose(author.dataDescription),
      '',
      `Period: ${inline(author.dataPeriod ?? '')}`,
    ],
  }
}

export function training({ training: { plan, rounds, rule, mode, accepted, rejected } }: CardInput): Section {
  const refused = rejected.map(({ code: reason, count }) => `${count} × ${code(reason)}`)
  return {
    title: 'Training',
    lines: table(
      ['', ''],
      [
        ['Plan, SHA-256', code(plan)],
        ['Rounds', String(rounds)],
        ['Aggregation rule', code(rule)],
        ['Mode', code(mode)],
        ['Updates accepted', String(accepted)],
        ['Updates refused', refused.length === 0 ? 'none' : refused.join(', ')],
      ],
    ),
  }
}

const seen: Record<'sealed' | 'masked', string> = {
  sealed: 'Updates were sealed: only the coordinator process could open a single one.',
  masked: 'Updates were masked: the coordinator could open the sums of groups, and no single update.',
}

export function privacy({ training: { mode }, privacy: spent, records }: CardInput): Section {
  const rows = [
    ...(spent === null ? [] : [[spent.epsilon, spent.delta, spent.accountant, spent.unit]]),
    ...(records === undefined
      ? []
      : [
          [
            records.epsilon,
            records.delta,
            'DP-SGD',
            `one training row, add-or-remove; the most of ${records.clients} clients`,
          ],
        ]),
  ]
  const lines =
    rows.length === 0
      ? ['No differential privacy.']
      : table(
          ['ε', 'δ', 'accountant', 'unit'],
          rows.map((row) => row.map(inline)),
        )
  return { title: 'Privacy', lines: [seen[mode], '', ...lines] }
}

export function robustness({ training: { rule }, robustness: { tolerated, clients, attacks } }: CardInput): Section {
  const share =
    tolerated === 0
      ? `The rule ${code(rule)} tolerates no client that sends what it likes.`
      : `The rule ${code(rule)} tolerates ${tolerated} of ${clients} clients that send what they like.`
  const simulated =
    attacks.length === 0
      ? ['No attacks were simulated with this plan.']
      : [
          'Attacks simulated with this plan:',
          '',
          ...bullets(attacks.map(({ name, result }) => `${code(name)}: ${inline(result)}`)),
        ]
  return { title: 'Robustness', lines: [share, '', ...simulated] }
}

/** A picture that the card refers to, and what stands for it where pictures are not shown. */
export type Picture = { readonly path: string; readonly words: string }

export function results({ gates, sites, subgroups }: CardInput, pictures: readonly Picture[]): Section {
  const gateRows = gates.map(({ gate, metric, condition, value, interval: bounds, n, verdict }) => [
    code(gate),
    inline(metric),
    inline(condition),
    figure(value),
    interval(bounds),
    String(n),
    verdicts[verdict],
  ])
  const bounded = gates.some(({ interval: bounds }) => bounds !== null)
  return {
    title: 'Results',
    lines: [
      ...table(['gate', 'metric', 'condition', 'value', 'bounds', 'n', 'verdict'], gateRows),
      // A gate has a confidence of its own, and asks for one side.
      ...(bounded ? ['', 'Bounds are one-sided: each holds with the confidence that its condition names.'] : []),
      ...resultTable('By site', 'site', sites),
      ...resultTable('By subgroup', 'subgroup', subgroups),
      ...pictures.flatMap(({ path, words }) => ['', `![${inline(words)}](${path})`]),
    ],
  }
}

function resultTable(title: string, first: string, rows: readonly CardResult[]): string[] {
  if (rows.length === 0) return []
  const cells = rows.map(({ name, metric, value, interval: bounds, n }) => [
    inline(name),
    inline(metric),
    figure(value),
    interval(bounds),
    String(n),
  ])
  return ['', `### ${title}`, '', ...table([first, 'metric', 'value', '95 % interval', 'n'], cells)]
}

export function closing({ author }: CardInput): Section[] {
  return [
    { title: 'Limits', lines: prose(author.limits) },
    { title: 'Ethics', lines: prose(author.ethics) },
    { title: 'Changes since the last version', lines: prose(author.changes) },
    { title: 'Contact', lines: prose(author.contact) },
    { title: 'Withdrawal', lines: prose(author.withdrawal) },
  ]
}

export function prose(words: Prose | undefined): string[] {
  return words === undefined ? [] : proseLines(words)
}
