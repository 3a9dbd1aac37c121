import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startingModel } from '../../client/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { RunView } from '../../core/run/view.ts'
import { systemClock } from '../../core/system-clock.ts'
import { createLogger, openDurableStore, type RunningCoordinator, startCoordinator } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { type ClientProcess, startClientProcess } from '../demo/client-process.ts'
import { type Hospital, settleHospitals } from '../demo/hospitals.ts'
import { demoPlan } from '../demo/plan.ts'
import { Progress } from '../demo/progress.ts'
import { addClient, homeOf, identityOf, readClients } from '../home.ts'
import { RemoteCoordinator } from '../http-client.ts'
import { countOption, seedOption } from '../options.ts'
import type { Output } from '../output.ts'
import { metricsTable, outcomeText, roundsTable } from '../run-text.ts'
import { secretFile } from '../secret-files.ts'
import { version } from '../version.ts'
import { downloadVersion } from '../version-folder.ts'
import { exitCodeOf } from './run.ts'

type Options = {
  readonly data?: string
  readonly seed: number
  readonly rounds?: number
  readonly folder: string
}

export const demoCommand = command(
  'demo',
  'four hospitals train one model together on this machine, and a version is published',
)
  .option('--data <folder>', 'the four UCI files (`parley data heart` gets them); without it, synthetic data')
  .option('--seed <n>', 'of the split, the training and the synthetic data', seedOption, 42)
  .option('--rounds <n>', 'rounds to train, instead of the plan’s', countOption)
  .option('--folder <folder>', 'where coordinator and published versions are kept', '.parley/demo')
  .action(
    action<Options>(async (options, output) => {
      const homes = await mkdtemp(join(tmpdir(), 'parley-hospitals-'))
      const started: { stop(): Promise<void> }[] = []
      const stopAll = async () => {
        for (const one of started.splice(0).reverse()) await one.stop()
        await rm(homes, { recursive: true, force: true })
      }
      process.once('SIGINT', () => void stopAll().then(() => process.exit(130)))
      try {
        return await demonstrate(options, homes, output, started)
      } finally {
        await stopAll()
      }
    }),
  )

async function demonstrate(
  options: Options,
  homes: string,
  output: Output,
  started: { stop(): Promise<void> }[],
): Promise<number> {
  const { data, seed } = options
  const source =
    data === undefined ? 'synthetic data, made from a seed: no patients' : `the UCI heart disease files in ${data}`
  output.event(
    { event: 'data', synthetic: data === undefined, ...(data === undefined ? { seed } : { folder: data }) },
    `data: ${source}`,
  )
  const hospitals = await settleHospitals(homes, data, seed)
  const coordinator = await startEmbedded(options.folder, hospitals)
  started.push(coordinator.running)
  output.say(`coordinator: ${coordinator.running.urls.grpc} and ${coordinator.running.urls.ws}`)
  for (const hospital of hospitals) started.push(startHospital(hospital, coordinator, output))
  const { api } = coordinator.running
  const { run } = await api.startRun(await demoPlan(seed, options.rounds))
  const progress = new Progress(output)
  let last: RunView | undefined
  for await (const view of api.watch(run, new AbortController().signal)) {
    progress.show(view)
    last = view
  }
  return conclude(last, options.folder, coordinator, output)
}

type Embedded = { readonly running: RunningCoordinator; readonly publicKey: string }

async function startEmbedded(folder: string, hospitals: readonly Hospital[]): Promise<Embedded> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const home = homeOf(folder)
  const identity = await identityOf(home)
  // The hospitals are new at each call; the coordinator, and the versions that it has published, stay.
  await rm(home.clients, { force: true })
  for (const { name, home: own } of hospitals) {
    await addClient(home.clients, { id: name, publicKey: toHex((await identityOf(homeOf(own))).publicKey) })
  }
  const running = await startCoordinator({
    store: await openDurableStore({ folder: home.store }),
    identity,
    sealingSecret: await secretFile(home.sealingSecret),
    adminToken: toHex(await secretFile(home.adminToken)),
    allowList: (await readClients(home.clients)).list,
    initialModel: startingModel,
    grpcPort: 0,
    httpPort: 0,
    parleyVersion: version,
    // The log would get between the lines that people look at.
    logger: createLogger({ now: systemClock.now, level: 'silent' }),
    onFatal: (error) => {
      throw error
    },
  })
  return { running, publicKey: toHex(identity.publicKey) }
}

function startHospital(hospital: Hospital, { running, publicKey }: Embedded, output: Output): ClientProcess {
  const { name, home, data, carrier } = hospital
  const args = ['--home', home, '--coordinator', running.urls[carrier], '--coordinator-key', publicKey, '--data', data]
  return startClientProcess(name, args, (event) => {
    if (event.type === 'connected')
      output.say(`${name}: connected over ${String(event.carrier)}, private folder ${home}`)
    if (event.type === 'data') output.say(`${name}: ${String(event.used)} of ${String(event.rows)} rows usable`)
    if (event.type === 'declined') output.say(`${name}: declined: ${JSON.stringify(event.error)}`)
    if (event.type === 'training' && event.done === 1) output.event({ event: 'trained', client: name, ...event })
  })
}

async function conclude(
  view: RunView | undefined,
  folder: string,
  { running, publicKey }: Embedded,
  output: Output,
): Promise<number> {
  if (view?.outcome === undefined) throw new ParleyError('interrupted', 'the run did not end')
  output.say(`\nevery round, pooled over all held-out rows:\n${roundsTable(view)}`)
  output.say(`\nthe last model, at each hospital and pooled:\n${metricsTable(view)}`)
  output.say(`\n${outcomeText(view)}`)
  if (view.outcome.kind !== 'published') {
    output.event({ event: 'done', outcome: view.outcome })
    return exitCodeOf(view)
  }
  const { version: number, weights } = view.outcome
  const evaluated = view.history.findLast((round) => round.weights === weights)
  const published = join(folder, 'published', `${view.model}-${number}`)
  const remote = await RemoteCoordinator.connect({ url: running.urls.http })
  await downloadVersion(remote, { model: view.model, number }, published)
  const verify = `npx parley model verify ${published} --key ${publicKey}`
  output.say(`\nits files are in ${published}; verify its signature with:\n  ${verify}`)
  output.event({ event: 'done', model: view.model, version: number, weights, ...evaluated?.pooled, publicKey, verify })
  return 0
}
