import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import { exp, ln } from '../data/elementary.ts'
import type { RuleOptions } from '../rules/own-rules.ts'
import { fieldAt } from './fields.ts'

/** Fields that are set together, by dotted path. */
export type Settings = readonly (readonly [path: string, value: unknown])[]

export type ChoiceAxis = {
  readonly kind: 'choices'
  readonly name: string
  readonly choices: readonly { readonly label: string; readonly settings: Settings }[]
}

export type RangeAxis = {
  readonly kind: 'range'
  readonly name: string
  readonly from: number
  readonly to: number
  readonly log: boolean
  readonly integer: boolean
}

export type Axis = ChoiceAxis | RangeAxis

/** One coordinate for each axis: the index of a choice, or the number from a range. */
export type Point = readonly number[]

const listSchema = z.array(z.json()).min(1).max(1_000)
const rangeSchema = z
  .strictObject({ from: z.number(), to: z.number(), scale: z.enum(['linear', 'log']).default('linear') })
  .refine(({ from, to }) => from < to, { message: 'from is not below to', path: ['from'] })
  .refine(({ from, scale }) => scale === 'linear' || from > 0, {
    message: 'a log scale begins above 0',
    path: ['from'],
  })
const togetherSchema = z.record(z.string().min(1).max(200), z.record(z.string().max(1_000), z.json()))

/**
 * An axis as a sweep file writes it. Under a dotted path a list of values, or `{ from, to, scale }`; under a name without dots
 * what sets several fields at once: a mapping of labels to mappings of dotted paths to values. Every path must be a field of
 * scenarios. `labels` name the values of a list.
 */
export function axisOf(
  name: string,
  written: unknown,
  labels: readonly string[] | undefined,
  options?: RuleOptions,
): Axis {
  const where = `vary.${name}`
  if (!name.includes('.')) return togetherAxis(name, parsed(togetherSchema, written, where), where, options)
  const field = fieldAt(name, where, options)
  if (!Array.isArray(written)) {
    const { scale, ...range } = parsed(rangeSchema, written, where)
    return { kind: 'range', name, ...range, log: scale === 'log', integer: field.integer }
  }
  const values = parsed(listSchema, written, where)
  if (labels !== undefined && labels.length !== values.length) {
    throw new ParleyError('plan.invalid', `labels.${name}: ${labels.length} labels for ${values.length} values`)
  }
  const choices = values.map((value, i) => ({ label: labels?.[i] ?? shown(value), settings: [[name, value]] as const }))
  return { kind: 'choices', name, choices: distinct(choices, where) }
}

function togetherAxis(
  name: string,
  written: z.infer<typeof togetherSchema>,
  where: string,
  options: RuleOptions | undefined,
): ChoiceAxis {
  const choices = Object.entries(written).map(([label, fields]) => {
    for (const path of Object.keys(fields)) fieldAt(path, `${where}.${label}`, options)
    return { label, settings: Object.entries(fields) }
  })
  if (choices.length === 0) throw new ParleyError('plan.invalid', `${where}: it has no values`)
  return { kind: 'choices', name, choices }
}

function distinct<C extends { readonly label: string }>(choices: readonly C[], where: string): readonly C[] {
  const labels = choices.map(({ label }) => label)
  const repeated = labels.find((label, i) => labels.indexOf(label) !== i)
  if (repeated === undefined) return choices
  throw new ParleyError('plan.invalid', `${where}: "${repeated}" stands twice; give the values labels of their own`)
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const words = result.error.issues.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`)
  throw new ParleyError('plan.invalid', words.join('; '))
}

/** A value in short words: `{ trimmed-mean: { f: 2 } }` is `trimmed-mean f=2`. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(shown).join(' + ')
  return Object.entries(value)
    .map(([name, options]) => {
      if (typeof options !== 'object' || options === null) return `${name}=${String(options)}`
      const inner = shown(options)
      return inner === '' ? name : `${name} ${inner}`
    })
    .join(' ')
}

export function labelOf(axis: Axis, coordinate: number): string {
  return axis.kind === 'range' ? String(coordinate) : (axis.choices[coordinate]?.label ?? '')
}

/** The label of each axis by its name. */
export function labelsOf(axes: readonly Axis[], point: Point): Record<string, string> {
  return Object.fromEntries(axes.map((axis, i) => [axis.name, labelOf(axis, point[i] as number)]))
}

/** Everything that a point sets. */
export function settingsOf(axes: readonly Axis[], point: Point): Settings {
  return axes.flatMap((axis, i) => {
    const coordinate = point[i] as number
    return axis.kind === 'range' ? [[axis.name, coordinate] as const] : (axis.choices[coordinate]?.settings ?? [])
  })
}

/**
 * The coordinate at `u` in [0, 1). Numbers have six digits, so that what a table shows is what was run, whole ones of fields
 * that take no others.
 */
export function coordinateAt(axis: Axis, u: number): number {
  if (axis.kind === 'choices') return Math.min(axis.choices.length - 1, Math.floor(u * axis.choices.length))
  const { from, to, log, integer } = axis
  const value = log ? exp(ln(from) + u * (ln(to) - ln(from))) : from + u * (to - from)
  const rounded = integer ? Math.round(value) : Number(value.toPrecision(6))
  return Math.min(to, Math.max(from, rounded))
}

/** The place of a range's coordinate, from 0 to 1. */
export function placeOf({ from, to, log }: RangeAxis, value: number): number {
  return log ? (ln(value) - ln(from)) / (ln(to) - ln(from)) : (value - from) / (to - from)
}
