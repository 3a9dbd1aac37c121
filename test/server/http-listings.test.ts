/** All runs, followed over HTTP. */
import { afterEach, describe, expect, it } from 'vitest'
import type { RunListing } from '../../core/run/listing.ts'
import type { RunView } from '../../core/run/view.ts'
import { changedListings } from '../../server/http/listings.ts'
import { eventData } from '../../web/events.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'
import { view } from './http-fixtures.ts'

let started: Started | undefined
afterEach(() => started?.stop())

describe('the list of runs as it changes', () => {
  it('is sent whole at first, then what has changed, at most once a second', async () => {
    const clock = new ManualClock()
    const lists: (readonly RunView[])[] = [
      [view('run_2'), view('run_1')],
      [view('run_2'), view('run_1')],
      [view('run_2', { round: 2 }), view('run_1')],
    ]
    const seen: (readonly RunListing[])[] = []
    const views = (async function* () {
      yield* lists
    })()
    const { signal } = new AbortController()
    const following = (async () => {
      for await (const { runs } of changedListings(views, clock, signal)) seen.push(runs)
    })()
    await clock.timer(1_000)
    expect(seen.map((runs) => runs.map(({ run }) => run))).toEqual([['run_2', 'run_1']])
    clock.advance(1_000)
    await clock.timer(1_000)
    expect(seen[1]).toMatchObject([{ run: 'run_2', round: 2 }])
    clock.advance(1_000)
    await following
    expect(seen).toHaveLength(2)
  })

  it('tells of a run that is started, and that it is over', async () => {
    started = await Started.create()
    const { api, urls } = started.running
    const abort = new AbortController()
    const headers = { authorization: `Bearer ${adminToken}` }
    const { body } = await fetch(`${urls.http}/v1/runs/events`, { headers, signal: abort.signal })
    const events = eventData(body!, () => {})
    const next = async () => (JSON.parse((await events.next()).value ?? '') as { runs: readonly RunListing[] }).runs
    expect(await next()).toEqual([])
    const { run } = await api.startRun(planText({ rounds: 1 }))
    started.addClient('a', 'ws', addingTrainer(1))
    started.addClient('b', 'grpc', addingTrainer(2))
    let last: readonly RunListing[] = []
    while (last[0]?.phase !== 'over') last = await next()
    expect(last).toMatchObject([{ run, completed: 1, outcome: { kind: 'published', version: 1 } }])
    abort.abort()
  })
})
