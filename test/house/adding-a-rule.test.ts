/**
 * What the manual says of rules, stages and server optimizers is what their code says, and the rule that
 * docs/adding-a-rule.md writes as an example compiles where it is put, and makes what the page promises.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { decide } from '../../core/aggregation/decide.ts'
import { checkFeasible } from '../../core/aggregation/feasible.ts'
import { pipelineOf } from '../../core/aggregation/pipeline.ts'
import { rules, stages } from '../../core/aggregation/registry.ts'
import type { Rule } from '../../core/aggregation/rule.ts'
import { serverOptimizers } from '../../core/aggregation/server/registry.ts'
import { aggregationSchema } from '../../core/plan/aggregation.ts'
import type { SimulationResult } from '../../sim/index.ts'
import { combined, inputOf, vectorsOf } from '../core/aggregation/vectors.ts'
import { plan, scenario } from '../sim/sweep-input.ts'
import { root } from '../support/source-files.ts'

const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
const engine = textOf('docs/robust-aggregation.md')
const manual = textOf('docs/plan.md')
const page = textOf('docs/adding-a-rule.md')

type Schema = {
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>
  readonly required?: readonly string[]
}

/** An entry of a registry as the tables write it: `krum: { f }`, with `f?` for an option that may be absent. */
function entryOf(name: string, options: z.ZodType): string {
  const { properties = {}, required = [] } = z.toJSONSchema(options, { io: 'input' }) as Schema
  const shown = Object.entries(properties).map(([key, { default: value }]) => {
    if (value !== undefined) return `${key}: ${String(value)}`
    return required.includes(key) ? key : `${key}?`
  })
  return shown.length === 0 ? name : `${name}: { ${shown.join(', ')} }`
}

/** The rows of the page's tables whose first column has this name: what stands in it, without quotes, and the line. */
function rowsOf(text: string, column: string): Map<string, string> {
  const rows = new Map<string, string>()
  let inside = false
  for (const line of text.split('\n')) {
    const [, first] = /^\| +`?(.*?)`? +\|/.exec(line) ?? []
    if (first === undefined) inside = false
    else if (inside && !first.startsWith('-')) rows.set(first, line)
    else if (first === column) inside = true
  }
  return rows
}

const tables = { rules, stages } as const
const columns = { rules: 'rule', stages: 'stage' } as const
type Documented = Pick<Rule<unknown>, 'options' | 'condition'>
const documented = (table: keyof typeof tables) => Object.entries(tables[table]) as [string, Documented][]

describe('the folders', () => {
  test.each([
    ['rules', 'rules'],
    ['stages', 'before'],
  ] as const)('of %s hold what the registry names, each under the name of its file', async (table, folder) => {
    const path = join(root, 'core/aggregation', folder)
    const names = readdirSync(path).map((file) => file.replace(/\.ts$/, ''))
    expect(names.sort()).toEqual(Object.keys(tables[table]).sort())
    for (const [name, entry] of Object.entries(tables[table]) as [string, { readonly attackers: unknown }][]) {
      const module = (await import(pathToFileURL(join(path, `${name}.ts`)).href)) as Record<string, unknown>
      // The guard keeps every member but the one that it guards.
      const owners = Object.values(module).filter(
        (value) => typeof value === 'object' && (value as { attackers?: unknown }).attackers === entry.attackers,
      )
      expect(owners, `${name}.ts is what the registry calls ${name}`).toHaveLength(1)
    }
  })

  const helpers = ['adaptive', 'named', 'optimizer', 'options', 'registry']

  test('of server optimizers hold what the registry names', async () => {
    const path = join(root, 'core/aggregation/server')
    const names = readdirSync(path).map((file) => file.replace(/\.ts$/, ''))
    expect(names.sort()).toEqual([...helpers, ...Object.keys(serverOptimizers)].sort())
    for (const [name, optimizer] of Object.entries(serverOptimizers)) {
      const module = (await import(pathToFileURL(join(path, `${name}.ts`)).href)) as Record<string, unknown>
      expect(Object.values(module), name).toContain(optimizer)
    }
  })
})

describe('the tables', () => {
  describe.each(['rules', 'stages'] as const)('of %s', (table) => {
    const entries = documented(table).map(([name, { options }]) => entryOf(name, options))
    const rows = rowsOf(engine, columns[table])

    test('name in docs/plan.md each with its options and their defaults, and nothing else', () => {
      expect([...rowsOf(manual, columns[table]).keys()]).toEqual(entries)
    })

    test('name in docs/robust-aggregation.md each with its options and their defaults, and nothing else', () => {
      expect([...rows.keys()]).toEqual(entries)
    })

    test.each(documented(table))('say of %s what it withstands', (name, { options, condition }) => {
      expect(rows.get(entryOf(name, options))?.split(' | ')).toContain(condition)
    })
  })

  const optimizers = Object.entries(serverOptimizers)

  test('of server optimizers name each with its options, their defaults and what it keeps, and nothing else', () => {
    const rows = rowsOf(engine, 'optimizer')
    expect([...rows.keys()]).toEqual(optimizers.map(([name, { options }]) => entryOf(name, options)))
    for (const [name, { options, state }] of optimizers) {
      const kept = state.length === 0 ? '–' : state.join(', ')
      expect(rows.get(entryOf(name, options))).toMatch(new RegExp(`\\| ${kept} \\|$`))
    }
  })

  // It names letters beside the options, and has the defaults in a column of their own.
  test.each(optimizers)('of server optimizers in docs/plan.md are right about %s', (name, { options }) => {
    const { properties = {} } = z.toJSONSchema(options, { io: 'input' }) as Schema
    const [entry, row] = [...rowsOf(manual, 'key')].find(([first]) => first.startsWith(`${name}: {`)) ?? ['', '']
    const keys = entry.slice(entry.indexOf('{') + 1, entry.lastIndexOf('}')).split(',')
    expect(keys.map((key) => key.replace(/:.*/, '').trim())).toEqual(Object.keys(properties))
    const defaults = Object.values(properties).map(({ default: value }) => (value === undefined ? '–' : String(value)))
    expect(row.split('|')[2]?.trim()).toBe(defaults.join(', '))
  })
})

describe('the examples of the manual', () => {
  const blocks = ['README.md', 'docs/robust-aggregation.md', 'docs/plan.md'].flatMap((path) =>
    [...textOf(path).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => [path, text!] as const),
  )
  const sections = blocks.filter(([, text]) => text.startsWith('aggregation:'))

  test('are there', () => {
    expect(new Set(sections.map(([path]) => path)).size).toBe(3)
  })

  test.each(sections)('in %s are plans for seven clients', (_path, text) => {
    const { aggregation } = parse(text) as { aggregation: unknown }
    checkFeasible(pipelineOf(aggregationSchema.parse(aggregation)), 7)
  })

  test('show the message of a plan that cannot be', () => {
    const [, shown] = /```\n(krum withstands [^\n]*\(window\.count\.min\))/.exec(engine) ?? []
    const pipeline = pipelineOf(aggregationSchema.parse({ rule: { krum: { f: 3 } } }))
    expect(() => checkFeasible(pipeline, 7)).toThrow(
      expect.objectContaining({ code: 'plan.infeasible', message: expect.stringContaining(shown ?? '?') }),
    )
  })
})

describe('docs/adding-a-rule.md', () => {
  const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text!)
  const [file = '', importLine = '', registryLine = '', ruleCase = ''] = blocks

  test('shows a rule that makes what the page promises', async () => {
    const rule = (await evaluated(file)).normWeighted as Rule<unknown>
    const { input, rows } = inputOf({
      points: vectorsOf([
        [1, 0],
        [0, 4],
        [0, 0],
      ]),
    })
    const options = rule.options.parse({})
    const named = { name: 'mean', rule, options } as const
    const { result } = decide({ stages: [], rule: named, attackers: undefined }, input)
    if (result.kind !== 'combination') throw new Error('the page shows a combination')
    const briefly = (values: ArrayLike<number>) => Array.from(values, (value) => value.toFixed(4))
    const [, coefficients] = /the coefficients are\s+([\d., and]+)\./.exec(page)!
    const [, vector] = /So \(([\d., ]+)\)/.exec(page)!
    expect(briefly(result.coefficients)).toEqual(coefficients!.split(/, | and /))
    expect(briefly(combined(result.coefficients, rows))).toEqual(vector!.split(', '))
    expect(page).toContain(`\`\` \`${entryOf('norm-weighted', rule.options)}\` \`\``)
  })

  test('shows a case that the rule passes', async () => {
    const rule = (await evaluated(file)).normWeighted as Rule<unknown>
    const line = (...values: number[]) => ({ points: vectorsOf(values.map((value) => [value])) })
    const one = new Function('line', 'towards', `return ({${ruleCase}})['norm-weighted']`)(line, '')
    const { input, rows } = inputOf(one.byHand.given)
    const verdict = rule.decide(input, rule.options.parse(one.byHand.options))
    if (verdict.kind !== 'combination') throw new Error('the page shows a combination')
    expect(combined(verdict.coefficients, rows)[0]).toBeCloseTo(one.byHand.expected[0][0], 12)
  })

  test('needs no more than the file, the two lines and the case for everything to compile', () => {
    const registry = textOf('core/aggregation/registry.ts')
    const cases = textOf('test/core/aggregation/rule-cases.ts')
    const withCase = cases.replace(/export const ruleCases: .* = \{\n/, `$&${ruleCase}`)
    expect(withCase).not.toBe(cases)
    const mistakes = compiled({
      'core/aggregation/rules/norm-weighted.ts': file,
      'core/aggregation/registry.ts': importLine + registry.replace('export const rules = {\n', `$&${registryLine}`),
      'test/core/aggregation/rule-cases.ts': withCase,
      'test/core/aggregation/without-a-case.ts': cases,
    })
    expect(mistakes).toEqual([expect.stringMatching(/without-a-case\.ts: Property .*norm-weighted.* is missing/)])
  }, 60_000)

  test('lists what the suite checks of a rule, word for word', () => {
    const suite = textOf('test/core/aggregation/rules.test.ts')
    const from = suite.indexOf('describe.each(ruleNames)')
    const part = suite.slice(from, suite.indexOf('describe.each(stageNames)'))
    const titles = [...part.matchAll(/^ {2}test(?:\.runIf\(.*\))?\((['`])(.*)\1, \(\) =>/gm)].map(([, , title]) =>
      title!.replace(/\$\{[^}]*\}/g, '…'),
    )
    const list = page.slice(page.indexOf('then checks by itself'), page.indexOf('## 4.'))
    expect([...list.matchAll(/^- (.*)$/gm)].map(([, item]) => item)).toEqual(titles)
  })

  test('shows a rule of one’s own that a simulation takes', async () => {
    const own = blocks.at(-1)!
    expect(compiled({ 'sim/own.ts': own.replace("'parley/sim'", "'./index.ts'") })).toEqual([])
    const module = await evaluated(own.replace("'parley/sim'", "'../../../sim/index.ts'"))
    const tried = module.tried as (value: unknown) => Promise<SimulationResult>
    const rule = { shortest: { keep: 3 } }
    const { rounds } = await tried({ ...scenario, plan: { ...plan, aggregation: { rule } } })
    for (const { robustness } of rounds) {
      const out = robustness!.clients.filter(({ leftOut }) => leftOut === 'it is one of the longer ones')
      const kept = robustness!.clients.filter((client) => !out.includes(client))
      expect([robustness!.rule, out.length]).toEqual(['shortest', 2])
      for (const { norm, weight } of kept) {
        expect(weight).toBe(1 / 3)
        for (const longer of out) expect(norm).toBeLessThanOrEqual(longer.norm)
      }
    }
  }, 60_000)

  test('shows parts of rules and stages as they are', () => {
    const [, , , , reduction = '', stage = ''] = blocks
    expect(textOf('core/aggregation/rules/trimmed-mean.ts')).toContain(reduction)
    expect(textOf('core/aggregation/before/clip.ts')).toContain(stage)
  })
})

/** What a file of core/aggregation/rules/ exports, without being there. */
async function evaluated(text: string): Promise<Record<string, unknown>> {
  const modules = new Map<string, unknown>()
  for (const { fileName } of ts.preProcessFile(text).importedFiles) {
    const path = join(root, 'core/aggregation/rules', fileName)
    modules.set(fileName, await import(fileName.startsWith('.') ? pathToFileURL(path).href : fileName))
  }
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const exports: Record<string, unknown> = {}
  new Function('exports', 'require', outputText)(exports, (name: string) => modules.get(name))
  return exports
}

/** The mistakes that the compiler finds in some files, as the house compiles them, with these texts in their places. */
function compiled(texts: Readonly<Record<string, string>>): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.check.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const changed = new Map(Object.entries(texts).map(([path, text]) => [join(root, path).replaceAll('\\', '/'), text]))
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => changed.has(path) || fileExists.call(host, path)
  host.readFile = (path) => changed.get(path) ?? readFile.call(host, path)
  host.getSourceFile = (path, language, ...rest) => {
    const text = changed.get(path)
    return text === undefined
      ? getSourceFile.call(host, path, language, ...rest)
      : ts.createSourceFile(path, text, language)
  }
  const program = ts.createProgram([...changed.keys()], options, host)
  return [...changed.keys()].flatMap((path) => {
    const source = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map(({ messageText }) => `${path}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
  })
}
