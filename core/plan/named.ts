import { z } from 'zod'
import { oneOf } from './model.ts'

/** A registry: entries by name, each with the schema of its options. */
export type Table = Record<string, { readonly options: z.ZodType }>

type Schemas<Entries extends Table> = { [Name in keyof Entries]: Entries[Name]['options'] }

/**
 * One entry of a registry with its options, as plans and scenarios write it: `{ krum: { f: 2 } }`. A name alone stands for
 * the name with no options.
 */
export function namedOf<Entries extends Table>(table: Entries) {
  const schemas = Object.fromEntries(Object.entries(table).map(([name, { options }]) => [name, options]))
  return z.preprocess(namedValue, oneOf(schemas as Schemas<Entries>))
}

/** What is written, with a name alone spelt out. */
export function namedValue(value: unknown): unknown {
  return typeof value === 'string' ? { [value]: {} } : value
}

/** The name and the options of what `namedOf` has parsed. */
export function nameAndOptions<Name extends string>(named: object): [name: Name, options: unknown] {
  const [entry] = Object.entries(named).filter(([, options]) => options !== undefined)
  return entry as [Name, unknown]
}
