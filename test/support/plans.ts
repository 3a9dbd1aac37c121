import { parsePlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'

export type PlanOptions = {
  readonly name?: string
  readonly rounds?: number
  readonly count?: { readonly min: number; readonly max: number }
  readonly time?: { readonly min?: string; readonly max?: string }
  readonly overselect?: number
  readonly population?: number
  readonly gates?: string
  readonly extra?: string
  readonly inputs?: number
}

/** A small plan in YAML: logistic regression over `inputs` numeric columns. */
export function planText(options: PlanOptions = {}): string {
  const { name = 'tiny', rounds = 2, count = { min: 2, max: 2 }, time = {}, overselect = 0, inputs = 3 } = options
  const columns = Array.from({ length: inputs }, (_, index) => `      - { name: x${index}, type: number }`).join('\n')
  return `
parley: 1
name: ${name}
model: { logistic: {} }
data:
  csv:
    columns:
${columns}
      - { name: y, type: label }
    label: { positive: { above: 0 } }
training: { epochs: 1, batch: 4, optimizer: { sgd: { learningRate: 0.1 } } }
rounds: ${rounds}
cohort: { overselect: ${overselect}${options.population === undefined ? '' : `, population: ${options.population}`} }
window: { count: { min: ${count.min}, max: ${count.max} }, time: { min: ${time.min ?? '0s'}, max: ${time.max ?? '30s'} } }
gates: ${options.gates ?? '[{ metric: accuracy, min: 0 }]'}
${options.extra ?? ''}
`
}

export function planOf(options: PlanOptions = {}): Plan {
  return parsePlan(planText(options), { maxBytes: 1 << 20 })
}
