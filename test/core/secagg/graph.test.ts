/** Rows of the shared fixture: published ones and ones computed for this project (see its README). */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  chooseGraph,
  completeGraph,
  completeThresholds,
  regularGraph,
  type ServerClass,
  type ThreatModel,
} from '../../../core/secagg/graph.ts'

const path = fileURLToPath(new URL('../../../../shared/fixtures/secagg-graph.json', import.meta.url))
const missing = !existsSync(path)

type Row = { n: number; gamma: number; delta: number; server: ServerClass }
type Fixture = {
  feasible: (Row & { k: number; t: number })[]
  feasibleLarge: (Row & { k: number; t: number })[]
  infeasible: Row[]
  grid: (Row & Record<'semiHonestK' | 'semiHonestT' | 'semiMaliciousK' | 'semiMaliciousT', number | null>)[]
  fullGraph: (Row & { minThreshold: number; maxThreshold: number; feasible: boolean })[]
}

const model = ({ n, gamma, delta, server }: Row): ThreatModel => ({
  clients: n,
  corrupted: gamma,
  dropouts: delta,
  server,
})
const found = (row: Row) => {
  const choice = regularGraph(model(row))
  return choice.ok && choice.graph.kind === 'regular' ? [choice.graph.degree, choice.graph.threshold] : [null, null]
}

describe.skipIf(missing)(`the rows of ${missing ? 'a fixture that is not here' : 'secagg-graph.json'}`, () => {
  const fixture: Fixture = missing
    ? { feasible: [], feasibleLarge: [], infeasible: [], grid: [], fullGraph: [] }
    : JSON.parse(readFileSync(path, 'utf8'))

  test('published degrees and thresholds, up to a million clients', () => {
    const rows = [...fixture.feasible, ...fixture.feasibleLarge]
    expect(rows.length).toBe(98)
    for (const row of rows) expect([row, found(row)]).toEqual([row, [row.k, row.t]])
  })

  test('what must be refused is refused with a reason', () => {
    for (const row of fixture.infeasible) {
      expect([row, regularGraph(model(row))]).toEqual([row, { ok: false, why: expect.any(String) }])
    }
  })

  test('the table of the design document', () => {
    for (const row of fixture.grid) {
      expect([row, found({ ...row, server: 'semi-honest' })]).toEqual([row, [row.semiHonestK, row.semiHonestT]])
      expect([row, found({ ...row, server: 'semi-malicious' })]).toEqual([
        row,
        [row.semiMaliciousK, row.semiMaliciousT],
      ])
    }
  })

  test('bounds on the complete graph', () => {
    for (const row of fixture.fullGraph) {
      expect([row, completeThresholds(model(row))]).toEqual([row, { min: row.minThreshold, max: row.maxThreshold }])
      expect(completeGraph(model(row)).ok).toBe(row.feasible)
    }
  })
})

describe('the choice', () => {
  const of = (clients: number, completeUpTo?: number) =>
    chooseGraph({ clients, corrupted: 0.05, dropouts: 0.05, server: 'semi-malicious' }, completeUpTo)

  test('is complete up to 64 clients whatever is asked, and up to 256 unless asked otherwise', () => {
    expect(of(64, 10)).toEqual({ ok: true, graph: { kind: 'complete', threshold: 35 } })
    expect(of(256)).toEqual({ ok: true, graph: { kind: 'complete', threshold: 136 } })
    expect(of(257)).toMatchObject({ graph: { kind: 'regular' } })
    expect(of(100, 64)).toEqual({ ok: true, graph: { kind: 'regular', degree: 16, threshold: 11 } })
  })

  test('always has 2t > n + ⌈γn⌉ on a complete graph against a coordinator that lies', () => {
    for (let n = 3; n <= 256; n++) {
      for (const corrupted of [0, 0.01, 0.1, 0.25, 0.33]) {
        const { min } = completeThresholds({ clients: n, corrupted, dropouts: 0, server: 'malicious' })
        expect(2 * min).toBeGreaterThan(n + Math.ceil(corrupted * n - 1e-9))
      }
    }
  })
})
