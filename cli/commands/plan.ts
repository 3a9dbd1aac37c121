import { initialModel } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { modelEnds } from '../../core/plan/data.ts'
import { frozenTensors } from '../../core/plan/freeze.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { cohortSize, planJsonSchema } from '../../core/plan/plan.ts'
import { startText } from '../../core/plan/start.ts'
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
      }
      const warning = plan.gates.length === 0 ? '\n  no gates: nothing will be published' : ''
      const frozenText = summary.frozen === 0 ? '' : `, ${summary.frozen} of them frozen`
      const startsFrom = plan.start === undefined ? '' : `\n  starts from ${startText(plan.start)}`
      output.result(
        { ...summary, plan },
        `the plan is in order\n  model ${summary.model}: ${summary.parameters} parameters${frozenText}, inputs ${ends.input.join('×')}, ${ends.task}${startsFrom}` +
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
