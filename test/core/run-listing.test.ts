/** Runs in lists, and what one client did in them. */
import { describe, expect, test } from 'vitest'
import { holdsOf, listingOf } from '../../core/run/listing.ts'
import { MOST_REFUSALS, participationOf } from '../../core/run/participation.ts'
import type { CohortMember, RoundSummary } from '../../core/run/view.ts'
import { publishedView, richView } from '../web/views.ts'

const held = (client: string) => ({ client, code: 'node.plan-held', message: `${client} looks at it` }) as const

function rounds(...of: readonly Partial<RoundSummary>[]): readonly RoundSummary[] {
  const [first] = richView().history
  return of.map((changes, i) => ({
    ...first!,
    round: i + 1,
    refused: [],
    cohort: ['a', 'b'],
    accepted: ['b'],
    ...changes,
  }))
}

const member = (client: string, changes: Partial<CohortMember> = {}): CohortMember => ({
  client,
  connected: true,
  phase: 'invited',
  bytes: 0,
  ...changes,
})

describe('a run in a list', () => {
  test('says where it stands in few words, however many rounds it has', () => {
    const view = richView()
    const listing = listingOf(view)
    expect(listing).toMatchObject({
      run: 'run_1',
      phase: 'collecting',
      completed: 6,
      engaged: { clients: 4, answered: 1, bytes: 136_704 },
      holds: [],
      metrics: { rows: 400 },
      firstOpenedAt: view.history[0]?.openedAt,
      lastClosedAt: view.history[5]?.closedAt,
      privacy: { epsilon: 1.834 },
    })
    const longer = richView({ history: Array.from({ length: 500 }, () => view.history).flat() })
    expect(JSON.stringify(listingOf(longer)).length).toBeLessThan(JSON.stringify(listing).length + 10)
    expect(listingOf(publishedView()).outcome).toEqual({ kind: 'published', version: 2 })
  })
})

describe('a client holds a plan', () => {
  test('as long as the coordinator says so, with what it has said last', () => {
    const history = rounds({ refused: [held('a')] }, { refused: [held('a')], cohort: ['a'] }, { cohort: ['b'] })
    const open = { code: 'node.plan-held', message: 'b looks too', phase: 'refused' } as const
    const engaged = [member('b', open), member('a')]
    expect(holdsOf(richView({ round: 4, history, engaged, holding: ['a', 'b', 'c'] }))).toEqual([
      { client: 'a', round: 2, message: 'a looks at it' },
      { client: 'b', round: 4, message: 'b looks too' },
      { client: 'c', round: 4, message: '' },
    ])
    expect(holdsOf(richView({ round: 4, history, engaged }))).toEqual([])
    expect(holdsOf({ ...publishedView(), holding: ['a'] })).toEqual([])
  })
})

describe('how a client took part', () => {
  test('is counted, with what was refused of it, the newest first', () => {
    const history = rounds({ refused: [held('a')] }, { accepted: ['a', 'b'] }, { cohort: ['b'] })
    expect(participationOf(richView({ history, engaged: [member('a')] }), 'a')).toMatchObject({
      run: 'run_1',
      asked: 3,
      accepted: 1,
      refusals: [{ round: 1, code: 'node.plan-held', message: 'a looks at it' }],
    })
    expect(participationOf(richView(), 'hospital-d')).toMatchObject({
      asked: 7,
      accepted: 5,
      refusals: [{ round: 3, code: 'update.norm-limit' }],
      suspect: { marked: 5, of: 6 },
    })
    expect(participationOf(richView(), 'nobody')).toBeUndefined()
    const many = rounds(...Array.from({ length: 60 }, () => ({ refused: [held('a')] })))
    const { refusals = [] } = participationOf(richView({ history: many }), 'a') ?? {}
    expect([refusals.length, refusals[0]?.round]).toEqual([MOST_REFUSALS, 60])
  })
})
