import {
  type ClientEvent,
  type DataFiles,
  type EngineName,
  engineNames,
  filePolicy,
  MIN_COHORT,
  startClient,
  type TaskPolicy,
} from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { leadingOf } from '../../core/metrics/metrics.ts'
import { systemClock } from '../../core/system-clock.ts'
import { command, group } from '../command.ts'
import type { OptionsCheck } from '../config/checks.ts'
import { configuredAction, withConfig } from '../config/configured.ts'
import { fileControlMemory } from '../control-memory.ts'
import { federationOf, renewingOf } from '../enrolment/federation.ts'
import { auditLogOf, type Home, homeOf, identityOf } from '../home.ts'
import { type MaskingOptions, maskingOf, takesMasked, withMaskingOptions } from '../masking-options.ts'
import { countOption, deltaOption, epsilonOption, keyOption, listOption, readableOption, readText } from '../options.ts'
import { budgetOf, fileLedger, USUAL_DELTA } from '../privacy-ledger.ts'
import { fileRoundMemory } from '../round-memory.ts'
import { figure } from '../run-text.ts'
import { untilStopped } from '../signals.ts'
import { siteEvents } from '../site-events.ts'
import { approve, join, list, refuse, rename, resume, revoke, suspend } from './client-enrolment.ts'
import { clientPolicyCommand } from './client-policy.ts'
import { clientPrivacyCommand } from './client-privacy.ts'
import { clientReviewCommand } from './client-review.ts'

export type ClientOptions = MaskingOptions & {
  readonly home: string
  readonly coordinator?: readonly string[]
  readonly coordinatorKey?: Uint8Array
  readonly data?: string
  readonly policy?: string
  readonly unsafeAllowAnyPlan?: boolean
  readonly labels?: string
  readonly engine?: string
  readonly minCohort?: number
  readonly privacyBudget?: number
  readonly privacyDelta: number
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly allowClearTextBeyondLoopback?: boolean
}

/** What must hold of its options together, looked at without starting it. */
export const clientChecks: readonly OptionsCheck<ClientOptions>[] = [dataOf, policyPathOf, takesMasked]

export const clientStart = withMaskingOptions(
  withConfig(command('start', 'run a client node on local data until it is told to stop')),
)
  .option('--home <folder>', 'folder of its key and its memory of rounds, controls and privacy', '.parley/client')
  .option(
    '--coordinator <url>',
    'grpc://, grpcs://, ws:// or wss:// address, may stand several times; by default those of the invitation',
    listOption,
  )
  .option(
    '--coordinator-key <hex>',
    'its public key, got over another channel; by default that of the invitation',
    keyOption,
  )
  .option('--policy <file>', 'what this client may do, signed by its site; by default policy.yaml in its folder')
  .option('--unsafe-allow-any-plan', 'no policy: do whatever the pinned coordinator asks')
  .option('--data <file>', 'a table, or the images of a pair of IDX files; by default what the policy’s studies name')
  .option('--labels <file>', 'the labels of a pair of IDX files')
  .option(
    '--engine <name>',
    `training engine: ${engineNames.join(', ')}; by default the fastest that works here`,
    readableOption(engineOf),
  )
  .option(
    '--min-cohort <n>',
    `smallest cohort to take part in, and smallest sum where updates are masked; by default ${MIN_COHORT}, and 16 masked`,
    countOption,
  )
  .option('--privacy-budget <epsilon>', 'most privacy to spend in all its life; without it only counted', epsilonOption)
  .option('--privacy-delta <delta>', 'δ of that', deltaOption, USUAL_DELTA)
  .option('--tls-ca <file>', 'authority of the coordinator’s certificate, PEM')
  .option('--tls-cert <file>', 'own certificate, PEM')
  .option('--tls-key <file>', 'its private key, PEM')
  .option('--allow-clear-text-beyond-loopback', 'connect without TLS to another machine')
  .action(
    configuredAction<ClientOptions>('client', async (options, output) => {
      const home = homeOf(options.home)
      const identity = await identityOf(home)
      const federation = await federationOf(home, options)
      const { minCohort } = options
      const masking = await maskingOf(options, identity.publicKey, minCohort)
      if (options.unsafeTrustCoordinatorForPeerKeys === true) {
        process.stderr.write('parley: peers are not checked: masked updates are as safe as the coordinator is honest\n')
      }
      const data = dataOf(options)
      const policy = await policyOf(options, home, identity.publicKey, data)
      const audit = await auditLogOf(home, identity)
      const site = siteEvents(audit, federation.coordinatorKey)
      await site.started()
      const node = startClient({
        audit,
        identity,
        ...(data === undefined ? {} : { data }),
        ...(policy === undefined ? { unsafeAllowAnyPlan: true } : { policy }),
        coordinatorKey: federation.coordinatorKey,
        urls: federation.urls,
        memory: await fileRoundMemory(home.rounds),
        controls: fileControlMemory(home.controls),
        ledger: await fileLedger(home.ledger, budgetOf(options.privacyBudget, options.privacyDelta)),
        ...(minCohort === undefined ? {} : { minCohort }),
        ...(masking === undefined ? {} : { masking }),
        ...(options.engine === undefined ? {} : { engine: engineOf(options.engine) }),
        dial: await dialOptionsOf(options, federation.ca),
        onEvent: (event) => {
          site.take(event)
          output.event(plainEvent(event), eventText(event))
        },
        onData: (report) =>
          output.event(
            { type: 'data', ...report },
            `data: ${report.used} of ${report.rows} rows usable, ${report.train} to train and ${report.test} held out`,
          ),
      })
      const renewing = renewingOf(home, federation, output)
      await untilStopped(async () => {
        renewing.stop()
        await node.stop()
        await site.stopped()
      })
      return 0
    }),
  )

function dataOf({ data, labels, unsafeAllowAnyPlan }: ClientOptions): DataFiles | undefined {
  if (data !== undefined) return labels === undefined ? { csv: data } : { images: data, labels }
  if (labels !== undefined) throw new ParleyError('request.invalid', '--labels belongs to images that --data names')
  if (unsafeAllowAnyPlan !== true) return undefined
  throw new ParleyError('request.invalid', 'without a policy nothing names the data: give --data')
}

function policyPathOf({ policy, unsafeAllowAnyPlan }: ClientOptions): string | undefined {
  if (policy === undefined || unsafeAllowAnyPlan !== true) return policy
  throw new ParleyError('request.invalid', '--policy and --unsafe-allow-any-plan exclude each other')
}

/** Undefined where whoever starts it wants none. A policy that is not valid is told of at once, and allows nothing. */
async function policyOf(
  options: ClientOptions,
  home: Home,
  client: Uint8Array,
  data: DataFiles | undefined,
): Promise<TaskPolicy | undefined> {
  const warn = (text: string) => void process.stderr.write(`parley: ${text}\n`)
  const path = policyPathOf(options)
  if (options.unsafeAllowAnyPlan === true) {
    warn('no policy: this client trains whatever the coordinator asks for')
    return undefined
  }
  return await filePolicy({
    crypto: nodeCrypto,
    clock: systemClock,
    path: path ?? home.policy,
    keyPath: home.policyKey,
    state: home.policyState,
    client,
    ...(data === undefined ? {} : { data }),
    onInvalid: ({ code, message, entry }) =>
      warn(`no valid policy, every task is declined: ${code}: ${message}\n  what to do: ${entry.hint}`),
  })
}

function engineOf(text: string): EngineName {
  const name = engineNames.find((one) => one === text)
  if (name === undefined) throw new ParleyError('request.invalid', `--engine is one of ${engineNames.join(', ')}`)
  return name
}

async function dialOptionsOf(options: ClientOptions, authority: string | undefined) {
  const pem = options.tlsCa === undefined ? authority : await readText(options.tlsCa)
  const ca = pem === undefined ? {} : { ca: pem }
  const cert = options.tlsCert === undefined ? {} : { cert: await readText(options.tlsCert) }
  const key = options.tlsKey === undefined ? {} : { key: await readText(options.tlsKey) }
  return {
    tls: { ...ca, ...cert, ...key },
    allowClearTextBeyondLoopback: options.allowClearTextBeyondLoopback === true,
    warn: (message: string) => void process.stderr.write(`parley: ${message}\n`),
  }
}

function plainEvent(event: ClientEvent): object {
  return 'error' in event && event.error !== undefined ? { ...event, error: event.error.describe() } : event
}

function eventText(event: ClientEvent): string | undefined {
  switch (event.type) {
    case 'connected':
      return `connected to ${event.remote} over ${event.carrier} as ${event.client}`
    case 'disconnected':
      return event.error === undefined ? 'disconnected' : `disconnected: ${event.error.code}: ${event.error.message}`
    case 'task':
      return `round ${event.round} of ${event.rounds}: ${event.kind}`
    case 'evaluated': {
      const { round, metrics } = event
      const [name] = leadingOf([metrics])
      return `round ${round}: ${name} ${figure(metrics[name] ?? null)} on ${metrics.rows} own held-out rows`
    }
    case 'receipt':
      return `round ${event.round}: ${event.kind} ${event.accepted ? 'accepted' : `refused: ${event.code}: ${event.message}`}`
    case 'declined':
      return `round ${event.round}: ${event.kind} declined: ${event.error.code}: ${event.error.message}`
    case 'groups-lacking':
      return `round ${event.round}: evaluated without all groups: ${event.error.code}: ${event.error.message}`
    case 'not-kept':
      return `round ${event.round}: accepted, but not kept here: ${event.error.code}: ${event.error.message}`
    case 'training':
    case 'sending':
      return undefined
    default:
      return event satisfies never
  }
}

export const clientCommand = group(
  'client',
  'run a client node (`start` is meant where nothing is said), join a federation, admit its clients',
)
  .addCommand(clientStart, { isDefault: true })
  .addCommand(clientPrivacyCommand)
  .addCommand(join)
  .addCommand(list)
  .addCommand(approve)
  .addCommand(refuse)
  .addCommand(suspend)
  .addCommand(resume)
  .addCommand(revoke)
  .addCommand(rename)
  .addCommand(clientPolicyCommand)
  .addCommand(clientReviewCommand)
