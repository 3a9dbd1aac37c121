import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'

type Values = { readonly [key: string]: unknown }

/**
 * The objects that a Helm chart comes to. Its templates keep to what this understands of Go's language: `.Values.a.b`,
 * `.Release.Name`, `if`, `else`, `end`, and `toYaml … | nindent N`. Anything else throws.
 */
export function chartObjects(folder: string, changed: Values = {}): Record<string, unknown>[] {
  const values = merged(parse(readFileSync(join(folder, 'values.yaml'), 'utf8')) as Values, changed)
  const scope = { Values: values, Release: { Name: 'parley' } }
  return readdirSync(join(folder, 'templates'))
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => {
      const text = rendered(readFileSync(join(folder, 'templates', name), 'utf8'), scope)
      return parseAllDocuments(text).map((document) => {
        if (document.errors.length > 0) throw new Error(`${name}: ${document.errors[0]!.message}`)
        return document.toJS() as Record<string, unknown> | null
      })
    })
    .filter((object) => object !== null)
}

function merged(values: Values, changed: Values): Values {
  const inner = (value: unknown): value is Values =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const both = Object.entries(changed).map(([key, value]) => {
    const before = values[key]
    if (before === undefined) throw new Error(`the chart has no value ${key}`)
    return [key, inner(value) && inner(before) && Object.keys(before).length > 0 ? merged(before, value) : value]
  })
  return { ...values, ...Object.fromEntries(both) }
}

function rendered(template: string, scope: Values): string {
  let out = ''
  let at = 0
  /** Whether each open `if` is shown. */
  const shown: boolean[] = []
  for (const found of template.matchAll(/(\s*)\{\{(-?)\s*(.*?)\s*\}\}/gs)) {
    const [all, space = '', dash, action = ''] = found
    const text = template.slice(at, found.index) + (dash === '-' ? '' : space)
    if (shown.every(Boolean)) out += text
    at = found.index + all.length
    const [, condition] = /^if (\S+)$/.exec(action) ?? []
    if (condition !== undefined) shown.push(isTrue(valueAt(condition, scope)))
    else if (action === 'else') shown.push(!shown.pop())
    else if (action === 'end') {
      if (shown.pop() === undefined) throw new Error('an end without an if')
    } else if (shown.every(Boolean)) out += shownValue(action, scope)
  }
  if (shown.length > 0) throw new Error('an if without an end')
  return out + template.slice(at)
}

function shownValue(action: string, scope: Values): string {
  const [, path, indent] = /^toYaml (\S+) \| nindent (\d+)$/.exec(action) ?? []
  if (path === undefined) return String(valueAt(action, scope))
  const lines = stringify(valueAt(path, scope)).trimEnd().split('\n')
  return lines.map((line) => `\n${' '.repeat(Number(indent))}${line}`).join('')
}

function valueAt(path: string, scope: Values): unknown {
  if (!/^(\.\w+)+$/.test(path)) throw new Error(`this is not understood: ${path}`)
  return path
    .slice(1)
    .split('.')
    .reduce<unknown>((value, key) => {
      if (typeof value !== 'object' || value === null || !(key in value)) throw new Error(`there is no ${path}`)
      return (value as Values)[key]
    }, scope)
}

/** As Go's templates see it: nothing, zero and the empty are false. */
function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
