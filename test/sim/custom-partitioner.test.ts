/** A way of dealing rows that is a function passed in. */
import { describe, expect, test } from 'vitest'
import { checkScenario, type DealRows, type SimulateOptions, simulate } from '../../sim/index.ts'
import { plan, scenario, scratch } from './sweep-input.ts'

const { folder, write } = await scratch('partitioner')
const run = (partitioner: DealRows, options: SimulateOptions = {}) =>
  simulate(checkScenario(scenario), { workers: 0, partitioner, ...options })

/** Client 0 gets one row, client 1 two, and so on; the others are nobody's. */
const staircase: DealRows = (labels, clients, random) => {
  const rows = [...random.shuffle(Uint32Array.from(labels.keys()))]
  return Array.from({ length: clients }, (_, client) => rows.splice(0, client + 1))
}

describe('a partitioner of one’s own', () => {
  test('deals the rows, the same for the same seed whatever the number of workers', async () => {
    const here = await run(staircase)
    expect(here.world.rows.map((row) => row.reduce((a, b) => a + b))).toEqual([1, 2, 3, 4, 5])
    expect(here.rounds.at(-1)!.accepted).toHaveLength(5)
    expect(await run(staircase, { workers: 2 })).toEqual(here)
    expect((await run((labels) => [0, 1, 2, 3, 4].map((k) => [k, labels.length - 1 - k]))).weights).not.toBe(
      here.weights,
    )
  })

  test('sees the columns of a table, with those that are no inputs', async () => {
    const lines = Array.from({ length: 60 }, (_, row) => `${row},${row % 2},${row % 3},${'vwxyz'[row % 5]}`)
    await write('rows.csv', `a,b,y,ward\n${lines.join('\n')}\n`)
    const value = checkScenario({ scenario: 1, plan, world: { clients: 5, data: { files: { csv: 'rows.csv' } } } })
    const seen: unknown[] = []
    const byWard: DealRows = (labels, clients, _random, { ward = [], a = [], ...others }) => {
      seen.push(
        Object.keys(others),
        typeof a[0],
        Array.from(labels.keys()).every((row) => labels[row] === Number(a[row]) % 3),
      )
      return Array.from({ length: clients }, (_, client) =>
        Array.from(ward, (value, row) => (value === 'vwxyz'[client] ? row : -1)).filter((row) => row >= 0),
      )
    }
    const result = await simulate(value, { workers: 0, folder, partitioner: byWard })
    expect(seen).toEqual([['b', 'y'], 'number', true])
    expect(result.world.rows.flat().reduce((a, b) => a + b)).toBe(48)
  })

  test.each<[string, DealRows, RegExp]>([
    ['of another number of clients', () => [[0], [1]], /gave 2 parts for 5 clients/],
    ['that are none', () => undefined as never, /gave no parts/],
    ['with a row that is not there', () => [[0], [1], [2], [3], [96]], /gave row 96: there are 96/],
    ['with half a row', () => [[0], [1], [2], [3], [0.5]], /gave row 0\.5/],
    ['with a row twice', () => [[0], [1], [2], [3], [3]], /gave row 3 twice/],
  ])('that gives parts %s is refused', async (_name, partitioner, message) => {
    await expect(run(partitioner)).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringMatching(message),
    })
  })
})
