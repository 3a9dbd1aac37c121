/** What the pages are made of, without a browser. */
import { describe, expect, it, test } from 'vitest'
import { roles } from '../../server/members/permissions.ts'
import { curveSets } from '../../web/curves.ts'
import { eventData } from '../../web/events.ts'
import { byteText, durationText, figure, timeText } from '../../web/format.ts'
import { readCard } from '../../web/markdown.ts'
import { roleWords } from '../../web/parts/roles.ts'
import { checkedPlan } from '../../web/plan-problems.ts'
import { linkTo, routeOf } from '../../web/route.ts'
import { progressText } from '../../web/run-text.ts'
import { planText } from '../support/plans.ts'
import { publishedView, richView } from './views.ts'

describe('words', () => {
  test('for sizes, times and figures', () => {
    expect([0, 999, 1_000, 52_480, 123_456_789].map(byteText)).toEqual(['0 B', '999 B', '1.0 kB', '52.5 kB', '123 MB'])
    expect([-5, 4_230, 59_000, 185_000, 7_800_000].map(durationText)).toEqual([
      '0.0 s',
      '4.2 s',
      '59 s',
      '3 min 5 s',
      '2 h 10 min',
    ])
    expect([null, undefined, 0.123456, '0.00001', 400, 1e-7].map(figure)).toEqual([
      '–',
      '–',
      '0.1235',
      '0.00001',
      '400',
      '1e-7',
    ])
    expect([timeText('2026-01-31T23:59:59.999Z'), timeText('soon')]).toEqual(['2026-01-31 23:59:59 UTC', 'soon'])
  })

  test('for where a run stands say nothing of what changes all the time', () => {
    const view = richView()
    const later = richView({ engaged: view.engaged.map((one) => ({ ...one, bytes: one.bytes + 1 })) })
    expect(progressText(view)).toBe('Round 7 of 12, collecting, 1 of 4 clients done, 1 refused.')
    expect(progressText(later)).toBe(progressText(view))
    expect(progressText(publishedView())).toBe('The run is over: published as version 2.')
  })
})

test('the roles that are explained are those that there are', () => {
  expect(Object.keys(roleWords)).toEqual(roles)
})

describe('addresses', () => {
  test.each([
    ['', { page: 'overview' }],
    ['#/', { page: 'overview' }],
    [linkTo('runs', 'run_1'), { page: 'run', run: 'run_1' }],
    [linkTo('models', 'a/b'), { page: 'model', model: 'a/b' }],
    [linkTo('models', 'heart', 2), { page: 'version', model: 'heart', number: 2 }],
    [linkTo('models', 'heart', 'compare', 1, 2), { page: 'compare', model: 'heart', first: 1, second: 2 }],
    ['#/start', { page: 'start' }],
    ['#/audit', { page: 'audit' }],
    ['#/clients', { page: 'clients' }],
    ['#/people', { page: 'people' }],
    ['#/account', { page: 'account' }],
    [linkTo('people', 'mem_1'), { page: 'member', member: 'mem_1' }],
    [linkTo('clients', 'hospital-a'), { page: 'client', client: 'hospital-a' }],
    ['#/clients/a/b', { page: 'unknown' }],
    ['#/models/heart/0', { page: 'unknown' }],
    ['#/models/heart/compare/1', { page: 'unknown' }],
    ['#/%', { page: 'unknown' }],
    ['#/nonsense', { page: 'unknown' }],
  ])('%s', (hash, route) => {
    expect(routeOf(hash)).toEqual(route)
  })
})

describe('events', () => {
  const collect = async (...pieces: readonly string[]) => {
    const found: string[] = []
    let heard = 0
    const bytes = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(bytes.encode(piece))
        controller.close()
      },
    })
    for await (const data of eventData(body, () => heard++)) found.push(data)
    return { found, heard }
  }

  it('are put together however they arrive; comments only show that somebody is there', async () => {
    expect(await collect('data: {"a"', ':1}\n', '\n: alive\n\nevent: x\ndata: 2\ndata: 3\n\ndata: half')).toEqual({
      found: ['{"a":1}', '2\n3'],
      heard: 3,
    })
  })

  it('keep characters whole that were cut', async () => {
    const [first, ...rest] = Buffer.from('data: ε\n\n').toString('latin1').split('Î')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.from(Buffer.from(`${first}Î`, 'latin1')))
        controller.enqueue(Uint8Array.from(Buffer.from(rest.join('Î'), 'latin1')))
        controller.close()
      },
    })
    const found: string[] = []
    for await (const data of eventData(body, () => {})) found.push(data)
    expect(found).toEqual(['ε'])
  })
})

describe('learning curves', () => {
  it('have an axis for what goes together, and leave out what is nowhere defined', () => {
    const { history } = richView()
    const sets = curveSets(history.map((one) => ({ ...one, pooled: { ...one.pooled!, auc: null } })))
    expect(sets.map(({ curves }) => curves.map(({ metric }) => metric))).toEqual([
      ['accuracy', 'precision', 'recall', 'f1'],
      ['loss'],
    ])
    expect(sets[0]?.rounds).toEqual([1, 2, 3, 4, 5, 6])
    expect(curveSets([])).toEqual([])
  })
})

describe('a model card', () => {
  it('becomes headings, paragraphs, lists, tables, code and pictures', () => {
    const card = [
      '---',
      'license: apache-2.0',
      '---',
      '',
      '# heart, version 1',
      '',
      'One **bold** `code`',
      'line.',
      '',
      '- a',
      '- b \\*c\\*',
      '',
      '| | x |',
      '| --- | --- |',
      '| y | 1 \\| 2 |',
      '',
      '```sh',
      'parley model verify',
      '```',
      '![ROC curve](plots/roc.svg)',
    ].join('\n')
    const text = (words: string) => ({ kind: 'text', text: words })
    expect(readCard(card)).toEqual([
      { kind: 'heading', level: 1, spans: [text('heart, version 1')] },
      {
        kind: 'paragraph',
        spans: [
          text('One '),
          { kind: 'bold', text: 'bold' },
          text(' '),
          { kind: 'code', text: 'code' },
          text(' line.'),
        ],
      },
      { kind: 'list', items: [[text('a')], [text('b *c*')]] },
      {
        kind: 'table',
        rows: [
          [[], [text('x')]],
          [[text('y')], [text('1 | 2')]],
        ],
      },
      { kind: 'code', text: 'parley model verify' },
      { kind: 'paragraph', spans: [{ kind: 'picture', text: 'ROC curve', path: 'plots/roc.svg' }] },
    ])
  })

  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '![x](https://elsewhere.example/x.svg)',
    '![x](plots/../../secret.svg)',
    '![x](//elsewhere.example/x.svg)',
  ])('keeps %s as the text that it is', (words) => {
    expect(readCard(words)).toEqual([{ kind: 'paragraph', spans: [{ kind: 'text', text: words }] }])
  })

  it('takes entities and backslashes for what they stand for, once', () => {
    expect(readCard('&lt;b&gt; &amp;lt; \\`x\\`')).toEqual([
      { kind: 'paragraph', spans: [{ kind: 'text', text: '<b> &lt; `x`' }] },
    ])
  })
})

describe('a plan in the editor', () => {
  it('is told where each of its problems is', () => {
    const text = planText().trim().replace('rounds: 2', 'rounds: 0').replace('batch: 4', 'bacth: 4')
    const checked = checkedPlan(text)
    const problems = checked.ok ? [] : checked.problems
    const lineWith = (words: string) => text.split('\n').findIndex((line) => line.includes(words)) + 1
    expect(problems.map(({ line, code }) => [line, code])).toEqual(
      expect.arrayContaining([
        [lineWith('rounds: 0'), 'plan.invalid'],
        [lineWith('bacth'), 'plan.invalid'],
      ]),
    )
    expect(problems.find(({ message }) => message.includes('bacth'))?.message).toContain('did you mean "batch"?')
  })

  it('that is no YAML is told the line', () => {
    expect(checkedPlan('parley: 1\nname: "x\n')).toMatchObject({
      ok: false,
      problems: [{ line: 3, code: 'plan.unreadable' }],
    })
  })

  it('that lacks something is told of it without a line', () => {
    const checked = checkedPlan('parley: 1\n')
    expect(checked.ok).toBe(false)
    const name = checked.ok ? undefined : checked.problems.find(({ message }) => message.startsWith('name: '))
    expect(name).toMatchObject({ code: 'plan.invalid' })
    expect(name?.line).toBeUndefined()
  })

  it('that is right is shown with the values that it does not have itself', () => {
    const checked = checkedPlan(planText())
    expect(checked).toMatchObject({ ok: true })
    if (!checked.ok) return
    expect(checked.effective).toContain('rounds: 2')
    expect(checked.defaults).toContain('seed: 1')
    expect(checked.defaults.some((line) => line.startsWith('rounds:'))).toBe(false)
  })
})
