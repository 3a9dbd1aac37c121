import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { ParleyError } from '../../core/errors/index.ts'
import type { RuleOptions } from '../rules/own-rules.ts'
import { checkScenario, type Scenario } from '../world/scenario.ts'
import { checkSweep, type Sweep } from './definition.ts'
import { unknownWords } from './fields.ts'

/** What a file holds, and the folder from which the paths in it are counted. */
export type FromFile<T> = { readonly value: T; readonly folder: string }

type Members = { readonly [key: string]: unknown }

/** Reads a scenario, YAML or JSON; its plan stands in it, or is the path of a file. Throws `plan.…` or `config.invalid`. */
export async function readScenario(path: string, options?: RuleOptions): Promise<FromFile<Scenario>> {
  const { value, folder } = await rawScenario(path)
  return { value: checkScenario(value, options), folder }
}

/** Reads a sweep, whose scenario stands in it, or is the path of a file. */
export async function readSweep(path: string, options?: RuleOptions): Promise<FromFile<Sweep>> {
  const written = await readYaml(path)
  if (!isMembers(written)) throw new ParleyError('plan.invalid', `${path} is no sweep: it has no fields`)
  const folder = dirname(resolve(path))
  const { scenario } = written
  const base =
    typeof scenario === 'string'
      ? await rawScenario(resolve(folder, scenario))
      : { value: await withPlan(scenario, folder), folder }
  return { value: checkSweep({ ...written, scenario: base.value }, options), folder: base.folder }
}

async function rawScenario(path: string): Promise<FromFile<unknown>> {
  const folder = dirname(resolve(path))
  return { value: await withPlan(await readYaml(path), folder), folder }
}

async function withPlan(scenario: unknown, folder: string): Promise<unknown> {
  if (!isMembers(scenario)) return scenario
  const unknown = unknownWords(scenario.world)
  if (unknown.length > 0) throw new ParleyError('plan.invalid', unknown.join('; '))
  const { plan } = scenario
  return typeof plan === 'string' ? { ...scenario, plan: await readYaml(resolve(folder, plan)) } : scenario
}

async function readYaml(path: string): Promise<unknown> {
  const document = parseDocument(await textOf(path), { uniqueKeys: true, strict: true })
  const [problem] = document.errors
  if (problem !== undefined) throw new ParleyError('plan.unreadable', `${path}: ${problem.message.split('\n')[0]}`)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    throw new ParleyError('plan.unreadable', `${path}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('config.invalid', `${path} cannot be read: ${why}`, { cause })
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
