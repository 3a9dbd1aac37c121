import { initialModel } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { modelEnds } from '../../core/plan/data.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { cohortSize, type Plan, planJsonSchema } from '../../core/plan/plan.ts'
import { type RecordExample, recordExamples, recordExampleText } from '../../core/plan/record-examples.ts'
import { startText } from '../../core/plan/start.ts'
import { calibrateMultiplier } from '../../core/privacy/index.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { action, command, group } from '../command.ts'
import { countOption, epsilonOption, readText } from '../options.ts'

type CheckOptions = { readonly rows?: number; readonly recordEpsilon?: number }

const check = command('check', 'check a plan and show what it comes to')
  .argument('<file>', 'the plan, YAML')
  .option('--rows <n>', 'training rows of a client, for which ε of a row is told', countOption)
  .option(
    '--record-epsilon <epsilon>',
    'with --rows: also the multiplier by which a row costs this in all',
    epsilonOption,
  )
  .action(
    action<CheckOptions>(async (options, output, file) => {
      const plan = parsePlan(await readText(file ?? ''), { maxBytes: defaultLimits.planBytes })
      const { layout } = await initialModel(plan.model, plan.data, plan.seed)
      const ends = modelEnds(plan.model, plan.data)
      const frozen = frozenTensors(plan.training.freeze, layout)
      const summary = {
        digest: toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan)))),
        model: plan.name,
        parameters: layoutLength(layout),
        layout,
        frozen: frozen.reduce((sum, { length }) => sum + length, 0),
        inputs: ends.input,
        rounds: plan.rounds,
        cohort: cohortSize(plan),
        gates: plan.gates.length,
        ...recordsOf(plan, layoutLength(layout), options),
      }
      const warning = plan.gates.length === 0 ? '\n  no gates: nothing will be published' : ''
      const frozenText = summary.frozen === 0 ? '' : `, ${summary.frozen} of them frozen`
      const startsFrom = plan.start === undefined ? '' : `\n  starts from ${startText(plan.start)}`
      output.result(
        { ...summary, plan },
        `the plan is in order\n  model ${summary.model}: ${summary.parameters} parameters${frozenText}, inputs ${ends.input.join('×')}, ${ends.task}${startsFrom}` +
          `\n  ${summary.rounds} rounds with ${summary.cohort} clients each, ${summary.gates} gates${warning}${recordsText(plan, summary.records)}\n  digest ${summary.digest}`,
      )
      return 0
    }),
  )

type Records = { readonly examples: readonly RecordExample[]; readonly multiplier?: number }

/** What the plan costs single rows, where it hides them. */
function recordsOf(
  plan: Plan,
  parameters: number,
  { rows, recordEpsilon }: CheckOptions,
): { readonly records?: Records } {
  if (recordEpsilon !== undefined && rows === undefined) {
    throw new ParleyError(
      'request.invalid',
      '--record-epsilon asks for --rows: the noise depends on how many rows there are',
    )
  }
  const { records } = plan.privacy
  if (records === undefined) return {}
  const examples = recordExamples(plan, parameters, rows === undefined ? undefined : [rows])
  const [one] = examples
  if (recordEpsilon === undefined || one === undefined) return { records: { examples } }
  const { rate, steps } = one
  const sampling = { kind: 'poisson', rate } as const
  const asked = { sampling, rounds: steps, neighbours: 'add-or-remove', delta: records.delta } as const
  return { records: { examples, multiplier: calibrateMultiplier(recordEpsilon, asked) } }
}

function recordsText({ privacy }: Plan, records: Records | undefined): string {
  if (records === undefined || privacy.records === undefined) return ''
  const { examples, multiplier } = records
  const lines = examples.map((one) => `\n    ${recordExampleText(one)}`)
  const found = multiplier === undefined ? '' : `\n    asked for: a multiplier of ${multiplier.toPrecision(5)}`
  return `\n  hides rows at δ ${privacy.records.delta}; what each costs at a client with${lines.join('')}${found}`
}

const schema = command('schema', 'print the JSON Schema of plans, for editors').action(
  action(async () => {
    process.stdout.write(`${JSON.stringify(planJsonSchema(), null, 2)}\n`)
    return 0
  }),
)

export const planCommand = group('plan', 'check plans', check, schema)
