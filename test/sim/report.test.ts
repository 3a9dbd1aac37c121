import { describe, expect, test } from 'vitest'
import { compareReport, runReport, type SimulationResult, sweepReport } from '../../sim/index.ts'
import { madeResult, madeSweep } from './report-results.ts'

const empty: SimulationResult = {
  ...madeResult({ rounds: 0, attackers: 0 }),
  outcome: { kind: 'stopped', reason: 'it was asked to' },
}
const base = madeResult({ rounds: 3 })
const failed: SimulationResult = {
  ...base,
  rounds: base.rounds.map(({ weights: _w, robustness: _r, central: _c, confusion: _k, pooled: _p, ...round }) => ({
    ...round,
    accepted: [],
    clients: [],
    refused: round.cohort.map((client) => ({
      client,
      code: 'update.non-finite' as never,
      message: 'value 3 is no number',
    })),
  })),
  outcome: { kind: 'failed', code: 'round.too-few' as never, message: 'too few updates' },
}

const runs: Record<string, SimulationResult> = {
  'no round': empty,
  'a failed run': failed,
  'one round': madeResult({ rounds: 1 }),
  '300 clients': madeResult({ clients: 300, attackers: 30, rounds: 20, cohort: 30, rule: 'kept' }),
  'two classes': madeResult({ clients: 4, attackers: 0, classes: 2 }),
  'ten classes': madeResult(),
  'a hundred classes': madeResult({ classes: 100, rounds: 3 }),
  'mixed updates': madeResult({ rule: 'mixed' }),
  'not a number': {
    ...base,
    rounds: base.rounds.map((round) => ({
      ...round,
      central: { ...round.central!, loss: Number.NaN, accuracy: null },
      robustness: { ...round.robustness!, norm: Number.POSITIVE_INFINITY },
    })),
  },
}
const sweeps = {
  'rules and attacks': madeSweep({ rule: ['mean', 'median', 'krum'], attack: ['alie', 'mimic'], f: ['1', '2'] }),
  'one axis': madeSweep({ lr: ['0.1', '0.01'] }),
  'no axis': madeSweep({}),
  'no row': { ...madeSweep({ a: ['1', '2'], b: ['1', '2'] }), rows: [] },
  'a random search': (() => {
    const values = Array.from({ length: 60 }, (_, i) => String(0.001 * (i + 1)))
    const made = madeSweep({ lr: values })
    const rows = made.rows.map((row, i) => ({ ...row, values: { ...row.values, batch: String(i % 7) } }))
    return { ...made, axes: [...made.axes, { name: 'batch', values: ['0', '1', '2', '3', '4', '5', '6'] }], rows }
  })(),
}

const documents: [string, string][] = [
  ...Object.entries(runs).map(([name, result]): [string, string] => [`run: ${name}`, runReport(result)]),
  ...Object.entries(sweeps).map(([name, sweep]): [string, string] => [`sweep: ${name}`, sweepReport(sweep)]),
  ['comparison', compareReport(base, failed)],
  ['comparison with nothing', compareReport(empty, empty)],
]

describe.each(documents)('%s', (_, html) => {
  test('is well-formed', () => {
    expect(illFormed(html)).toBeUndefined()
  })

  test('needs nothing from outside, and no script', () => {
    expect(found(html, /<(script|link|img|iframe|object|embed|base|form)\b/gi)).toEqual([])
    expect(found(html, /\son\w+=/gi)).toEqual([])
    expect(found(html, /https?:|@import|javascript:/gi)).toEqual([])
    for (const [, target] of html.matchAll(/(?:href|src)="([^"]*)"/g)) expect(target).toMatch(/^#/)
    for (const [, target] of html.matchAll(/url\(([^)]*)\)/g)) expect(target).toMatch(/^#/)
  })

  test('draws numbers only, names every picture, and uses each id once', () => {
    // Where there is no figure a dash is written.
    expect(found(html, /NaN|Infinity|undefined|\[object/g)).toEqual([])
    const pictures = html.match(/<svg class="plot/g)?.length ?? 0
    expect(html.match(/role="img"[^>]*><title>[^<]+<\/title>/g)?.length ?? 0).toBe(pictures)
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, target] of html.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target)
  })
})

describe('a run’s report', () => {
  const html = runReport(runs['ten classes']!)
  const plain = (text: string) => text.replaceAll('\u00a0', ' ')

  test('says what was simulated and what came of it', () => {
    const { plan, scenario, weights } = runs['ten classes']!
    for (const digest of [plan, scenario, weights!]) expect(html).toContain(digest)
    expect(html).toContain('<h1>Label flip against multi-Krum on uneven digits</h1>')
    expect(html).toContain('Two of ten hospitals lie.')
    expect(html).toContain('Published as version 1')
    expect(html).toContain('nnm, multi-krum, against 2 attackers')
    expect(plain(html)).toContain(
      '1 of 2 attackers is suspected at the end (50 %). 1 of 8 honest clients is suspected: client-1.',
    )
  })

  test('is the same for the same result', () => {
    expect(runReport(madeResult())).toBe(html)
  })

  test('says why a run failed and why updates were refused', () => {
    const words = runReport(failed)
    expect(words).toContain('Failed: round.too-few')
    expect(words).toContain('too few updates')
    expect(words).toContain('update.non-finite')
    expect(words).toContain('value 3 is no number')
  })

  test('shows distances where a stage mixed the updates', () => {
    const words = runReport(runs['mixed updates']!)
    expect(words).toContain('<h3>Distance of each update</h3>')
    expect(words).not.toContain('<h3>Part of the attackers</h3>')
    expect(html).toContain('<h3>Weight of each update</h3>')
  })

  test('says what it left out', () => {
    const words = runReport(runs['300 clients']!)
    expect(words).toMatch(/40 of \d+ clients that took part: attackers and suspects first/)
    expect(words).toContain('40 of 300 clients, attackers first.')
    expect(runReport(runs['a hundred classes']!)).toContain('The 40 of 100 classes with the most errors.')
    expect(runReport(runs['a hundred classes']!)).toContain('The 85 rarest classes are drawn as one.')
    expect(html).not.toContain('Each bar is the mean of')
  })

  test('of 1,000 clients and 500 rounds stays under 3 MB and 2 s', { timeout: 60_000 }, () => {
    const result = madeResult({ clients: 1_000, attackers: 100, rounds: 500 })
    const start = performance.now()
    const words = runReport(result)
    const seconds = (performance.now() - start) / 1_000
    expect(words.length).toBeLessThan(3_000_000)
    // Three times the figure: machines that test share their processors.
    expect(seconds).toBeLessThan(6)
    expect(words).toContain('Each column is the mean of 9 rounds.')
  })
})

test('of the most clients that a scenario may have', () => {
  const result = madeResult({ clients: 10, rounds: 1 })
  const rows = Array.from({ length: 100_000 }, (_, i) => [i % 7, i % 3, 1])
  expect(runReport({ ...result, clients: rows.length, world: { classes: 3, rows } }).length).toBeLessThan(3_000_000)
})

test('a sweep’s report frames the worst of each row and stars the best of them', () => {
  const html = sweepReport(madeSweep({ rule: ['mean', 'median', 'krum'], attack: ['alie', 'mimic', 'none'] }))
  expect(html.match(/<rect class="ring"/g)).toHaveLength(3)
  expect(html.match(/ ★</g)).toHaveLength(1)
  expect(html).toContain('Best worst case')
})

test('a comparison says whether the two are the same', () => {
  expect(compareReport(base, base)).toContain('The same scenario, the same weights')
  expect(compareReport(base, { ...base, weights: '0'.repeat(64) })).toContain('The same scenario, other weights')
  expect(compareReport(base, { ...base, scenario: '0'.repeat(64) }, ['one.jsonl', 'two.jsonl'])).toContain(
    '<h1>one.jsonl and two.jsonl</h1>',
  )
})

describe('markup from outside has no power', () => {
  const bad = `"'><script>alert(1)</script><svg onload=alert(1)>&\u0000`
  const hostile: SimulationResult = {
    ...base,
    description: `${bad}\n${bad}`,
    attack: bad,
    attackers: [bad],
    suspects: [{ client: bad, marked: 1, of: 1, marks: ['norm'] }],
    plan: bad,
    scenario: bad,
    weights: bad,
    outcome: { kind: 'failed', code: bad as never, message: bad },
    rounds: base.rounds.map((round) => ({
      ...round,
      weights: bad,
      cohort: [bad],
      accepted: [bad],
      refused: [{ client: bad, code: bad as never, message: bad }],
      clients: round.clients.slice(0, 1).map((one) => ({ ...one, client: bad })),
      robustness: {
        ...round.robustness!,
        rule: bad,
        clients: round.robustness!.clients.slice(0, 1).map((one) => ({ ...one, client: bad, leftOut: bad })),
      },
    })),
  }
  const sweep = madeSweep({ [bad]: [bad, 'b'], [`attack${bad}`]: [bad, 'c'] })
  const hostileSweep = {
    ...sweep,
    metric: bad,
    description: bad,
    rows: sweep.rows.map((row) => ({ ...row, score: null, failure: bad, weights: bad })),
  }

  test.each([
    ['run', runReport(hostile)],
    ['sweep', sweepReport(hostileSweep)],
    ['sweep with scores', sweepReport({ ...hostileSweep, rows: sweep.rows })],
    ['comparison', compareReport(hostile, base, [bad, bad])],
  ])('%s', (_, html) => {
    expect(found(html, /<script|<svg onload/g)).toEqual([])
    expect(html.includes('\u0000')).toBe(false)
    expect(html.includes('&lt;script&gt;')).toBe(true)
    expect(illFormed(html)).toBeUndefined()
  })
})

/** What there is of a pattern; a whole document would say nothing to whoever reads that it fails. */
const found = (html: string, pattern: RegExp) => [...html.matchAll(pattern)].map(([words]) => words)

const TAG = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<>]*")*)\s*(\/?)>/y

/** The first place where tags are not nested, quoted and closed as in XML; undefined where all are. */
function illFormed(html: string): string | undefined {
  const open: string[] = []
  let at = html.indexOf('>') + 1
  const style = [html.indexOf('<style>') + 7, html.indexOf('</style>')] as const
  for (;;) {
    const next = html.indexOf('<', at)
    const text = html.slice(at, next < 0 ? undefined : next)
    const inStyle = at === style[0]
    if (!inStyle && /&(?!(amp|lt|gt|quot|#39);)|>/.test(text)) return `text: ${text.slice(0, 80)}`
    if (next < 0) return open.length === 0 ? undefined : `open: ${open.join(' ')}`
    TAG.lastIndex = next
    const tag = TAG.exec(html)
    if (tag === null) return `tag: ${html.slice(next, next + 80)}`
    const [whole, closing, name = '', , empty] = tag
    if (closing === '/') {
      if (open.pop() !== name) return `closes too early: ${html.slice(Math.max(0, next - 60), next + 20)}`
    } else if (empty !== '/') open.push(name)
    at = next + whole.length
  }
}
