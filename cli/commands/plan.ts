import { initialModel } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { modelEnds } from '../../core/plan/data.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { cohortSize, planJsonSchema } from '../../core/plan/plan.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { action, command, group } from '../command.ts'
import { readText } from '../options.ts'

const check = command('check', 'check a plan and show what it comes to')
  .argument('<file>', 'the plan, YAML')
  .action(
    action(async (_options, output, file) => {
      const plan = parsePlan(await readText(file ?? ''), { maxBytes: defaultLimits.planBytes })
      const { layout } = await initialModel(plan.model, plan.data, plan.seed)
      const ends = modelEnds(plan.model, plan.data)
      const summary = {
        digest: toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan)))),
        model: plan.name,
        parameters: layoutLength(layout),
        inputs: ends.input,
        rounds: plan.rounds,
        cohort: cohortSize(plan),
        gates: plan.gates.length,
      }
      const warning = plan.gates.length === 0 ? '\n  no gates: nothing will be published' : ''
      output.result(
        { ...summary, plan },
        `the plan is in order\n  model ${summary.model}: ${summary.parameters} parameters, inputs ${ends.input.join('×')}, ${ends.task}` +
          `\n  ${summary.rounds} rounds with ${summary.cohort} clients each, ${summary.gates} gates${warning}\n  digest ${summary.digest}`,
      )
      return 0
    }),
  )

const schema = command('schema', 'print the JSON Schema of plans, for editors').action(
  action(async () => {
    process.stdout.write(`${JSON.stringify(planJsonSchema(), null, 2)}\n`)
    return 0
  }),
)

export const planCommand = group('plan', 'check plans', check, schema)
