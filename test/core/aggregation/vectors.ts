/** Rules on vectors: the tests hold the vectors, the rules see their inner products only. */
import type { Gram, Matrix } from '../../../core/aggregation/gram.ts'
import { type RuleName, rules, type StageName, stages } from '../../../core/aggregation/registry.ts'
import type {
  Combination,
  ExtraRows,
  Reduction,
  Rule,
  RuleInput,
  SignCounts,
  Stage,
} from '../../../core/aggregation/rule.ts'
import { reduceColumns } from '../../support/reduce-columns.ts'

export type Extra = {
  readonly root?: Float64Array
  readonly center?: Float64Array
  readonly histories?: readonly Float64Array[]
}

export type Given = Extra & {
  readonly points: readonly Float64Array[]
  readonly samples?: readonly number[]
  readonly steps?: readonly number[]
  readonly remembered?: readonly number[]
  readonly seed?: number
}

export const vectorsOf = (rows: readonly (readonly number[])[]): Float64Array[] =>
  rows.map((row) => Float64Array.from(row))

export function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, j) => sum + value * b[j]!, 0)
}

export const lengthOf = (a: Float64Array): number => Math.sqrt(dot(a, a))

export function distanceOf(a: Float64Array, b: Float64Array): number {
  return lengthOf(a.map((value, j) => value - b[j]!))
}

export function meanVector(points: readonly Float64Array[]): Float64Array {
  return combined(
    Float64Array.from(points, () => 1 / points.length),
    points,
  )
}

/** Rows of weight 0 are not read: they may be huge. */
export function combined(weights: Float64Array, rows: readonly Float64Array[]): Float64Array {
  const result = new Float64Array(rows[0]!.length)
  for (const [i, row] of rows.entries()) {
    if (weights[i] !== 0) for (let j = 0; j < row.length; j++) result[j] = result[j]! + weights[i]! * row[j]!
  }
  return result
}

export function mixed(matrix: Matrix, rows: readonly Float64Array[]): Float64Array[] {
  return Array.from({ length: matrix.rows }, (_, i) =>
    combined(matrix.values.slice(i * matrix.columns, (i + 1) * matrix.columns), rows),
  )
}

export function gramOf(rows: readonly Float64Array[]): Gram {
  return { size: rows.length, values: Float64Array.from(rows.flatMap((a) => rows.map((b) => dot(a, b)))) }
}

function signsOf(point: Float64Array): SignCounts {
  const positive = point.filter((value) => value > 0).length
  const negative = point.filter((value) => value < 0).length
  return { positive, negative, zero: point.length - positive - negative }
}

/** The input of a rule, and the vectors behind the rows of its gram. */
export function inputOf(given: Given): { readonly input: RuleInput; readonly rows: readonly Float64Array[] } {
  const { points, root, center, histories } = given
  const rows = [...points]
  const add = (row: Float64Array) => rows.push(row) - 1
  const extra: ExtraRows = {
    ...(root === undefined ? {} : { root: add(root) }),
    ...(center === undefined ? {} : { center: add(center) }),
    ...(histories === undefined ? {} : { histories: histories.map(add) }),
  }
  const input = {
    gram: gramOf(rows),
    n: points.length,
    clients: points.map((_, i) => `c${i}`),
    samples: given.samples ?? points.map(() => 1),
    steps: given.steps ?? points.map(() => 1),
    signs: points.map(signsOf),
    extra,
    remembered: given.remembered ?? [],
    seed: given.seed ?? 1,
  }
  return { input, rows }
}

export const ruleOf = (name: RuleName): Rule<unknown> => rules[name] as Rule<unknown>
export const stageOf = (name: StageName): Stage<unknown> => stages[name] as Stage<unknown>

export function optionsOf(name: RuleName, options: object): unknown {
  return ruleOf(name).options.parse(options)
}

export function decideOn(name: RuleName, options: object, given: Given): Combination | Reduction {
  return ruleOf(name).decide(inputOf(given).input, optionsOf(name, options))
}

/** The vector that a rule makes of the points. */
export function resultOf(name: RuleName, options: object, given: Given): Float64Array {
  const { input, rows } = inputOf(given)
  const verdict = ruleOf(name).decide(input, optionsOf(name, options))
  if (verdict.kind === 'combination') return combined(verdict.coefficients, rows)
  return reduceColumns(
    verdict.points.map((point) => rows[point]!),
    verdict.reduce,
  )
}

export function matrixOf(name: StageName, options: object, given: Given, f = 0): Matrix {
  const stage = stageOf(name)
  const parsed = stage.options.parse(options) as { readonly f?: number }
  return stage.apply(inputOf(given).input, { ...parsed, f: parsed.f ?? f })
}

/** The coefficients of a combination; fails on a reduction. */
export function coefficientsOf(name: RuleName, options: object, given: Given): number[] {
  const verdict = decideOn(name, options, given)
  if (verdict.kind !== 'combination') throw new Error(`${name} reduces columns`)
  return [...verdict.coefficients]
}

/** The points left out, each with the reason. */
export function leftOutOf(name: RuleName, options: object, given: Given): Record<number, string> {
  return Object.fromEntries(decideOn(name, options, given).leftOut.map(({ point, why }) => [point, why]))
}
