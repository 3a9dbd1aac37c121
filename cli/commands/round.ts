import { parse } from 'yaml'
import { ParleyError } from '../../core/errors/index.ts'
import type { Recomputation } from '../../core/run/recomputation.ts'
import type { RunView } from '../../core/run/view.ts'
import { action, command, group } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { countOption, listOption } from '../options.ts'
import { remote } from '../remote.ts'
import { recomputationText, robustnessTable, roundLine, sumsText } from '../run-text.ts'

const show = remote(command('show', 'show a round that is over, and what became of each update in it'))
  .argument('<run>', 'id of the run')
  .argument('<round>', 'number of the round')
  .action(
    action<RemoteOptions>(async (options, output, run = '', round = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const view = (await coordinator.json('GET', `/v1/runs/${encodeURIComponent(run)}`)) as RunView
      const summary = view.history.find((one) => one.round === countOption(round))
      if (summary === undefined) throw new ParleyError('object.not-found', `run ${run} has no finished round ${round}`)
      const { robustness, sums } = summary
      const table =
        robustness === undefined
          ? 'there is no report of it: it made no model, or is older than reports'
          : robustnessTable(robustness)
      const opened = sums === undefined ? [] : [sumsText(sums)]
      output.result(summary, [roundLine(summary, view.rounds), ...opened, table].join('\n'))
      return 0
    }),
  )

type RecomputeOptions = RemoteOptions & {
  without?: readonly string[]
  rule?: string
  before?: string
  server?: string
}

const recompute = remote(
  command(
    'recompute',
    'compute a round again from its stored updates, and show what would be different; keeps nothing',
  ),
)
  .argument('<run>', 'id of the run')
  .argument('<round>', 'number of the round')
  .option('--without <client>', 'leave this client’s update aside; may stand several times', listOption)
  .option('--rule <yaml>', 'another rule, as in a plan: median, or "trimmed-mean: { f: 2 }"')
  .option('--before <yaml>', 'other stages before the rule, as in a plan: "[nnm]"')
  .option('--server <yaml>', 'another server optimizer, as in a plan')
  .action(
    action<RecomputeOptions>(async (options, output, run = '', round = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { without, rule, before, server } = options
      const request = {
        ...(without === undefined ? {} : { without }),
        ...yamlMember('rule', rule),
        ...yamlMember('before', before),
        ...yamlMember('server', server),
      }
      const body = { type: 'application/json', text: JSON.stringify(request) }
      const path = `/v1/runs/${encodeURIComponent(run)}/rounds/${countOption(round)}/recompute`
      const result = (await coordinator.json('POST', path, body)) as Recomputation
      output.result(result, recomputationText(result))
      return 0
    }),
  )

function yamlMember(name: string, text: string | undefined): object {
  if (text === undefined) return {}
  try {
    return { [name]: parse(text) as unknown }
  } catch (cause) {
    throw new ParleyError('config.invalid', `--${name} is not YAML: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    })
  }
}

export const roundCommand = group('round', 'look at rounds that are over', show, recompute)
