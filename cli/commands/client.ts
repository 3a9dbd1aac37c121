import { type ClientEvent, type DataFiles, filePolicy, startClient, type TaskPolicy } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { leadingOf } from '../../core/metrics/metrics.ts'
import { systemClock } from '../../core/system-clock.ts'
import { fileCheckpointMemory } from '../checkpoint-memory.ts'
import { type ClientOptions, dataOf, dialOptionsOf, engineOf } from '../client-options.ts'
import { type ClientStartOptions, withClientStartOptions } from '../client-start-options.ts'
import { command, group } from '../command.ts'
import type { OptionsCheck } from '../config/checks.ts'
import { configuredAction, withConfig } from '../config/configured.ts'
import { fileControlMemory } from '../control-memory.ts'
import { federationOf, renewingOf } from '../enrolment/federation.ts'
import { auditLogOf, type Home, homeOf, identityOf } from '../home.ts'
import { maskingOf, takesMasked } from '../masking-options.ts'
import { wayOutOf } from '../network-options.ts'
import { budgetOf, fileLedger } from '../privacy-ledger.ts'
import { fileRoundMemory } from '../round-memory.ts'
import { figure } from '../run-text.ts'
import { untilStopped } from '../signals.ts'
import { siteEvents } from '../site-events.ts'
import { clientDoctorCommand } from './client-doctor.ts'
import { approve, join, list, refuse, rename, resume, revoke, revokeAll, suspend } from './client-enrolment.ts'
import { clientPolicyCommand } from './client-policy.ts'
import { clientPrivacyCommand } from './client-privacy.ts'
import { clientReviewCommand } from './client-review.ts'

/** What must hold of its options together, looked at without starting it. */
export const clientChecks: readonly OptionsCheck<ClientStartOptions>[] = [dataOf, policyPathOf, takesMasked]

export const clientStart = withClientStartOptions(
  withConfig(command('start', 'run a client node on local data until it is told to stop')),
).action(
  configuredAction<ClientStartOptions>('client', async (options, output) => {
    const home = homeOf(options.home)
    const identity = await identityOf(home)
    const federation = await federationOf(home, options)
    const out = await wayOutOf(options)
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
      checkpoints: fileCheckpointMemory(home.checkpoints, federation.coordinatorKey),
      controls: fileControlMemory(home.controls),
      ledger: await fileLedger(home.ledger, budgetOf(options.privacyBudget, options.privacyDelta)),
      recordLedger: await fileLedger(home.recordLedger, budgetOf(options.recordBudget, options.recordDelta)),
      ...(minCohort === undefined ? {} : { minCohort }),
      ...(masking === undefined ? {} : { masking }),
      ...(options.engine === undefined ? {} : { engine: engineOf(options.engine) }),
      dial: await dialOptionsOf(options, federation.ca, out),
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
    const renewing = renewingOf(home, federation, out, output)
    await untilStopped(async () => {
      renewing.stop()
      await node.stop()
      await site.stopped()
    })
    return 0
  }),
)

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
    case 'training': {
      const { round, done, engine, why } = event
      if (done < 1) return undefined
      return `round ${round}: trained on ${engine}${why === undefined ? '' : ` (${why})`}`
    }
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
  .addCommand(revokeAll)
  .addCommand(rename)
  .addCommand(clientPolicyCommand)
  .addCommand(clientReviewCommand)
  .addCommand(clientDoctorCommand)
