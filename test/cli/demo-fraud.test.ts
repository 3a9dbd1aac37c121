import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { banks } from '../../cli/demo/fraud/banks.ts'
import { transactionsOf } from '../../cli/demo/fraud/transactions.ts'
import { datasetFromCsv } from '../../client/data/load.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { inProcess, parley, parleyJson } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-fraud-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the synthetic transactions', () => {
  test('are the same for the same seed, and differ between seeds and banks', () => {
    const [one, other] = banks as unknown as [(typeof banks)[number], (typeof banks)[number]]
    const of = (bank: typeof one, seed: number) => transactionsOf(bank, seed, 50).join('\n')
    expect(of(one, 7)).toBe(of(one, 7))
    expect(new Set([of(one, 7), of(one, 8), of(other, 7)]).size).toBe(3)
  })

  test('fit the plan in every bank, half a percent of them are fraud, and every group of every bank can be judged', async () => {
    const text = await readFile(join(root, 'examples/fraud/fraud.yaml'), 'utf8')
    const { data, evaluation } = parsePlan(text, { maxBytes: 1 << 20 })
    if (!('csv' in data)) throw new TypeError('the plan has no table')
    const { files, pooled } = await parleyJson<{ files: { name: string; path: string }[]; pooled: string }>(
      ...(['data', 'synthetic-fraud', join(folder, 'data')] as const),
    )
    expect(files.map(({ name }) => name)).toEqual(banks.map(({ name }) => name))
    let [rows, frauds] = [0, 0]
    for (const { path } of files) {
      const {
        report,
        groups,
        train,
        test: held,
      } = datasetFromCsv(data, await readFile(path, 'utf8'), evaluation.groups)
      expect(report.bad).toEqual([])
      for (const labels of [train.labels, held.labels]) for (const label of labels) frauds += label
      rows += report.used
      expect(groups?.lacking).toEqual([])
      for (const members of Object.values(groups!.members)) {
        expect(members).not.toContain(-1)
        const sizes = [...new Set(members)].map((group) => members.filter((one) => one === group).length)
        expect(Math.min(...sizes)).toBeGreaterThanOrEqual(evaluation.minGroup)
      }
    }
    expect(rows).toBe(270_000)
    expect(frauds / rows).toBeCloseTo(0.005, 3)
    const lines = (await readFile(pooled, 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(rows + 1)
    expect(lines[1]).toMatch(/,metropolitan$/)
  })
})

describe('parley demo fraud', () => {
  // Six rounds of the fifteen are enough for the gates, with room.
  test('trains with five banks, passes its gates, publishes with its card, and verifies what it published', async () => {
    const { code, stdout, stderr } = await parley('demo', 'fraud', '--rounds', '6', '--folder', folder, '--json')
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; accepted?: number })
    expect(stderr).toBe('')
    expect(events.filter(({ event }) => event === 'round').map(({ accepted }) => accepted)).toEqual(Array(6).fill(5))
    const done = events.at(-1) as unknown as { gates: GateVerdict[]; verified: { result: string }[]; card: string }
    expect(done).toMatchObject({ event: 'done', model: 'card-fraud', version: 1 })
    expect(done.gates.map(({ verdict }) => verdict)).toEqual(Array(8).fill('pass'))
    expect(done.verified.map(({ result }) => result)).not.toContain('fail')
    const card = await readFile(done.card, 'utf8')
    expect(card).toContain('To show how a federation trains')
    expect(card).toContain('| private | prAuc |')
    expect(card).toMatch(/Updates accepted \| 30 /)
    expect((await stat(join(done.card, '../plots/learning-curve.svg'))).size).toBeGreaterThan(0)
    expect(code).toBe(0)
  }, 120_000)

  test('has no real data to be given, and no other example goes by another name', async () => {
    const given = await inProcess('demo', 'fraud', '--data', folder, '--folder', folder, '--json')
    expect(given.code).toBe(2)
    expect(JSON.parse(given.stdout)).toMatchObject({ error: { code: 'config.invalid' } })
    expect((await inProcess('demo', 'diabetes', '--json')).code).toBe(2)
  })
})
