import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Argument } from 'commander'
import { ParleyError } from '../../core/errors/index.ts'
import type { RunView } from '../../core/run/view.ts'
import { action, command } from '../command.ts'
import { conclude } from '../demo/conclusion.ts'
import { type Example, type ExampleName, exampleNames, examples, settle } from '../demo/examples.ts'
import { startEmbedded, startParticipant } from '../demo/federation.ts'
import { demoPlan } from '../demo/plan.ts'
import { allowPlan } from '../demo/policy.ts'
import { Progress } from '../demo/progress.ts'
import { countOption, seedOption } from '../options.ts'
import type { Output } from '../output.ts'

type Options = {
  readonly data?: string
  readonly seed: number
  readonly rounds?: number
  readonly folder: string
}

const example = new Argument('[example]', 'heart: four hospitals; fraud: five banks')
  .choices(exampleNames)
  .default('heart')

export const demoCommand = command(
  'demo',
  'hospitals or banks train one model together on this machine, and a version is published',
)
  .addArgument(example)
  .option('--data <folder>', 'heart: the four UCI files (`parley data heart` gets them); without it, synthetic data')
  .option('--seed <n>', 'of the split, the training and the synthetic data', seedOption, 42)
  .option('--rounds <n>', 'rounds to train, instead of the plan’s', countOption)
  .option('--folder <folder>', 'where coordinator and published versions are kept', '.parley/demo')
  .action(
    action<Options>(async (options, output, name = 'heart') => {
      const homes = await mkdtemp(join(tmpdir(), 'parley-demo-'))
      const started: { stop(): Promise<void> }[] = []
      const stopAll = async () => {
        for (const one of started.splice(0).reverse()) await one.stop()
        await rm(homes, { recursive: true, force: true })
      }
      process.once('SIGINT', () => void stopAll().then(() => process.exit(130)))
      try {
        // The parser lets no other word through.
        return await demonstrate(examples[name as ExampleName], options, homes, output, started)
      } finally {
        await stopAll()
      }
    }),
  )

async function demonstrate(
  shown: Example,
  options: Options,
  homes: string,
  output: Output,
  started: { stop(): Promise<void> }[],
): Promise<number> {
  const { data, seed } = options
  if (data !== undefined && !shown.takesData) {
    throw new ParleyError('config.invalid', 'this example has synthetic data only: leave --data out')
  }
  const source =
    data === undefined
      ? `synthetic data, made from a seed: ${shown.synthetic}`
      : `the UCI heart disease files in ${data}`
  output.event(
    { event: 'data', synthetic: data === undefined, ...(data === undefined ? { seed } : { folder: data }) },
    `data: ${source}`,
  )
  const participants = await settle(shown, homes, data, seed)
  const coordinator = await startEmbedded(options.folder, participants)
  started.push(coordinator.running)
  output.say(`coordinator: ${coordinator.running.urls.grpc} and ${coordinator.running.urls.ws}`)
  const plan = await demoPlan(shown.plan, seed, options.rounds)
  for (const participant of participants) {
    await allowPlan(participant, coordinator.publicKey, plan)
    started.push(startParticipant(participant, coordinator, output))
  }
  output.say('each participant has a policy that allows this plan, by its digest, and nothing else')
  const { api } = coordinator.running
  const { run } = await api.startRun(plan)
  const progress = new Progress(output)
  let last: RunView | undefined
  for await (const view of api.watch(run, new AbortController().signal)) {
    progress.show(view)
    last = view
  }
  return conclude(last, options.folder, shown, coordinator, output)
}
