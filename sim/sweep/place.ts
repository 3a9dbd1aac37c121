import { ParleyError } from '../../core/errors/index.ts'
import { checkScenario, type Scenario } from '../world/scenario.ts'
import { type Point, settingsOf } from './axes.ts'
import type { Sweep } from './definition.ts'

/** The scenario of a point. Throws as `checkScenario` does. */
export function scenarioAt(
  { base, axes, rules }: Pick<Sweep, 'base' | 'axes' | 'rules'>,
  point: Point,
  seed?: number,
): Scenario {
  const scenario: unknown = structuredClone(base)
  for (const [path, value] of settingsOf(axes, point)) put(scenario, path, structuredClone(value))
  if (seed !== undefined) for (const path of ['plan.seed', 'world.seed']) put(scenario, path, seed)
  return checkScenario(scenario, { rules })
}

type Members = { [key: string]: unknown }

/** Sets a field, and makes the sections on its way that are not there. */
function put(scenario: unknown, path: string, value: unknown): void {
  const steps = path.split('.')
  const last = steps.pop() as string
  let inside = scenario as Members
  for (const [i, step] of steps.entries()) {
    const next = section(inside[step], steps[i + 1] ?? last)
    inside[step] = next
    inside = next
  }
  if (Array.isArray(inside) && Number(last) > inside.length) {
    throw new ParleyError('plan.invalid', `${path}: the scenario has only ${inside.length} there`)
  }
  inside[last] = value
}

/** What lies at a step, as something with members; a name alone stands for the name with no options. */
function section(found: unknown, next: string): Members {
  if (typeof found === 'string' && found === next) return { [found]: {} }
  return typeof found === 'object' && found !== null ? (found as Members) : {}
}
