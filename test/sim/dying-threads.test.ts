/** Threads that end in the middle of their work, as those do that run out of memory. The threads are the real ones. */
import { readFile } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { checkScenario, simulate, sweep } from '../../sim/index.ts'
import { checkSweep } from '../../sim/sweep/definition.ts'
import { plan, scenario, scratch } from './sweep-input.ts'

const { path } = await scratch('dying')

/** Hears of every thread that is started from now on. */
function onThread(listener: (thread: Worker) => void): void {
  process.on('worker', listener)
  onTestFinished(() => void process.off('worker', listener))
}

/** Ends a thread when it has begun: it has been given its first job by then, and has yet to load what it takes. */
function endAtOnce(thread: Worker): void {
  thread.once('online', () => void thread.terminate())
}

describe('a training thread that dies', () => {
  const long = checkScenario({ ...scenario, plan: { ...plan, window: { count: { min: 3, max: 5 } } } })

  test('leaves its job to another: the result is the same', async () => {
    let died = 0
    onThread((thread) => {
      if (died++ === 0) endAtOnce(thread)
    })
    const shaken = await simulate(long, { workers: 1 })
    expect(died).toBe(2)
    expect(shaken).toEqual(await simulate(long, { workers: 0 }))
  })

  test('again and again ends the simulation, and no client is blamed', async () => {
    onThread(endAtOnce)
    await expect(simulate(long, { workers: 1 })).rejects.toMatchObject({
      code: 'client.training-failed',
      message: expect.stringMatching(/^two training threads ended at one job/),
    })
  })
})

test('a thread of a sweep that dies is the failure of its point alone, which the next sweep runs', async () => {
  const rule = 'plan.aggregation.rule'
  const definition = checkSweep({ sweep: 1, scenario, vary: { [rule]: ['mean', 'median', { meamed: { f: 1 } }] } })
  const journal = path('points.jsonl')
  let started = 0
  onThread((thread) => {
    if (started++ === 0) endAtOnce(thread)
  })
  const shaken = await sweep(definition, { workers: 1, journal })
  expect(shaken.table.rows[0]).toMatchObject({
    score: null,
    failure: expect.stringMatching(/^the worker that ran this point died/),
  })
  expect((await readFile(journal, 'utf8')).trimEnd().split('\n')).toHaveLength(2)
  const fresh: boolean[] = []
  const whole = await sweep(definition, {
    workers: 0,
    journal,
    onEvent: (event) => {
      if (event.type === 'cell') fresh.push(event.fresh)
    },
  })
  expect(fresh.filter((one) => one)).toHaveLength(1)
  expect(whole.table).toEqual((await sweep(definition, { workers: 0 })).table)
})
