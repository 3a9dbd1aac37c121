import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { comparisonText, foldsText, simulatedRoundLine, simulationText } from '../../cli/sim-text.ts'
import { generate, generatorSchema } from '../../sim/data/registry.ts'
import {
  checkScenario,
  compareReport,
  compareRuns,
  crossValidate,
  foldsReport,
  runReport,
  simulate,
} from '../../sim/index.ts'
import { root } from '../support/source-files.ts'

const text = await readFile(join(root, 'examples/sim/regression.yaml'), 'utf8')
type Written = { plan: Record<string, unknown>; world: Record<string, unknown> }
const scenarioOf = (plan: object = {}, world: object = {}) => {
  const written = parse(text) as Written
  return checkScenario({ ...written, plan: { ...written.plan, ...plan }, world: { ...written.world, ...world } })
}
const short = { rounds: 3, stop: undefined, privacy: { mode: 'sealed' } }

describe('the generator linear, of numbers', () => {
  test('has labels of a line in their range, the same for the same seed', () => {
    const options = generatorSchema.parse({ linear: { rows: 500, inputs: 3, numeric: { min: 0, max: 9, noise: 0 } } })
    const { labels, features, numeric, classes } = generate(options, 4)
    expect([numeric, classes]).toEqual([{ min: 0, max: 9 }, 1])
    expect(generate(options, 4).labels).toEqual(labels)
    expect(generate(options, 5).labels).not.toEqual(labels)
    const mean = labels.reduce((sum, label) => sum + label, 0) / 500
    expect(Math.abs(mean - 500_000)).toBeLessThan(30_000)
    // Without noise equal inputs have equal labels, and the label is linear: three rows give the weights.
    const at = (row: number) => [...features.subarray(3 * row, 3 * row + 3)]
    const slope = (row: number) => labels[row]! / 1e6 - 0.5
    const norm = (weights: number[]) => Math.hypot(...weights)
    const weights = solve3([at(0), at(1), at(2)], [slope(0), slope(1), slope(2)])
    expect(norm(weights)).toBeCloseTo(0.15, 3)
  })

  test('is refused without a range', () => {
    expect(() => generatorSchema.parse({ linear: { numeric: { min: 1, max: 1 } } })).toThrow('min is not below max')
  })
})

/** Cramer's rule. */
function solve3(rows: number[][], values: number[]): number[] {
  const det = ([a, b, c]: number[][]) =>
    a![0]! * (b![1]! * c![2]! - b![2]! * c![1]!) -
    a![1]! * (b![0]! * c![2]! - b![2]! * c![0]!) +
    a![2]! * (b![0]! * c![1]! - b![1]! * c![0]!)
  const whole = det(rows)
  return [0, 1, 2].map((k) => det(rows.map((row, i) => row.map((x, j) => (j === k ? values[i]! : x)))) / whole)
}

describe('a simulated regression', () => {
  test('in masked rounds learns what sealed ones learn, and passes its gates', async () => {
    const masked = await simulate(scenarioOf(), { workers: 0 })
    const sealed = await simulate(scenarioOf({ privacy: { mode: 'sealed' } }), { workers: 0 })
    expect(masked.outcome).toMatchObject({ kind: 'published', gates: Array(5).fill({ verdict: 'pass' }) })
    const [a, b] = [masked, sealed].map(({ rounds }) => rounds[7]!.central!)
    expect(Math.abs(a!.mae! - b!.mae!)).toBeLessThan(0.05)
    expect(masked.weights).not.toBe(sealed.weights)
    expect(masked.world).toMatchObject({ classes: 10, numeric: { min: 0, max: 30 } })
    expect(masked.rounds.at(-1)).not.toHaveProperty('confusion')
    expect(simulatedRoundLine(masked.rounds.at(-1)!, 12, undefined)).toMatch(/mae 1\.\d+ {2}rmse 1\.\d+/)
    expect(simulationText(masked)).toContain('gate r2-min: pass')
  }, 30_000)

  test('is reported in figures that a number has', async () => {
    const result = await simulate(scenarioOf(short), { workers: 0 })
    const page = runReport(result)
    expect(page).toContain('Mean absolute error of single clients')
    expect(page).toContain('the worst mean absolute error first')
    expect(page).toContain('tenths of the range from 0 to 30')
    expect(page).not.toContain('>Accuracy<')
    expect(page).not.toContain('Confusion')
    const run = { result, scenario: scenarioOf(short) }
    const compared = compareRuns(run as never, run as never)
    expect(compared.rounds[0]).toHaveProperty('mae')
    expect(comparisonText(compared)).toMatch(/mae A +B +rmse A/)
    expect(compareReport(result, result)).toContain('root mean squared error')
  })

  test('is cross-validated over clients', async () => {
    const validation = await crossValidate(scenarioOf({ ...short, rounds: 1 }), { folds: 2, workers: 0 })
    expect(validation.metrics.map(({ metric }) => metric)).toEqual(['mae', 'rmse', 'r2', 'bias'])
    expect(foldsText(validation)).toMatch(/^mae +\d/m)
    expect(foldsReport(validation)).toContain('Mean absolute error by fold')
  })

  test('is hurt by mirrored labels, and has no classes for a back door', async () => {
    const attackers = (attack: string) => ({ attackers: { count: 2, attack } })
    const flipped = await simulate(scenarioOf(short, attackers('label-flip')), { workers: 0 })
    const clean = await simulate(scenarioOf(short), { workers: 0 })
    expect(flipped.rounds.at(-1)!.central!.r2).toBeLessThan(clean.rounds.at(-1)!.central!.r2!)
    await expect(simulate(scenarioOf(short, attackers('backdoor')), { workers: 0 })).rejects.toMatchObject({
      code: 'plan.infeasible',
      message: expect.stringContaining('the label is a number'),
    })
  })

  test('is refused where the world has another label than the plan', async () => {
    const data = (numeric: object | undefined) => ({ data: { generated: { linear: { inputs: 8, numeric } } } })
    await expect(simulate(scenarioOf(short, data({ min: 0, max: 29 })), { workers: 0 })).rejects.toThrow(
      'a numeric label from 0 to 29, plan.data says a numeric label from 0 to 30',
    )
    await expect(simulate(scenarioOf(short, data(undefined)), { workers: 0 })).rejects.toThrow('a label of classes')
  })
})
