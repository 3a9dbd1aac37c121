import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { askToJoin, registrarOf } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { RequestView } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { certificateOf, clientKeyOf, joinedOf, keepJoined } from '../enrolment/joined.ts'
import { homeOf } from '../home.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { type NetworkOptions, wayOutOf, withNetworkOptions } from '../network-options.ts'
import { remote } from '../remote.ts'
import { requestText } from '../request-text.ts'

type Shown = {
  readonly client: string
  readonly label: string
  readonly state: string
  readonly since: string
  readonly fingerprint?: string
  readonly certificateUntil?: string
  readonly lastSeenAt?: string
  readonly reason: string
}

/** How often somebody who waits for approval asks. */
const ASK_EVERY_MS = 5_000

export const join = withNetworkOptions(
  command('join', 'ask to join a federation, with the code of an invitation; makes the key of this client'),
)
  .option('--home <folder>', 'folder of this client', '.parley/client')
  .argument('<code>', 'what the operator handed over')
  .option('--no-wait', 'ask once, and do not wait for the approval')
  .action(
    action<NetworkOptions & { home: string; wait: boolean }>(async (options, output, code = '') => {
      const home = homeOf(options.home)
      const invitation = parseInvitation(code)
      const joined = await joinedOf(home)
      if (joined !== undefined && joined.coordinator !== invitation.coordinator) {
        throw new ParleyError('enrolment.state', `${options.home} belongs to another federation`)
      }
      const registrar = await registrarOf(invitation, await wayOutOf(options))
      const key = await clientKeyOf(home)
      const fingerprint = fingerprintOf(nodeCrypto, key.identity.publicKey)
      output.say(`fingerprint of this client: ${fingerprint}`)
      let answer = await askToJoin(registrar, invitation, key, systemClock.now())
      if (answer.state === 'pending') {
        output.say('read it out to the operator, who approves it; waiting, Ctrl-C does no harm')
        while (answer.state === 'pending' && options.wait) {
          await pause(ASK_EVERY_MS)
          answer = await askToJoin(registrar, invitation, key, systemClock.now())
        }
      }
      const { client, coordinator, http, carriers } = invitation
      if (answer.state !== 'active') {
        output.result(
          { client, state: answer.state, fingerprint },
          `${client} waits for approval: run the same command again`,
        )
        return 0
      }
      const authority = registrar.authority ?? null
      await keepJoined(home, {
        client,
        coordinator,
        http,
        carriers,
        authority,
        ...certificateOf(answer, systemClock.now()),
      })
      output.result(
        { client, state: 'active', fingerprint, notAfter: answer.notAfter },
        `${client} belongs to the federation; its certificate is good until ${answer.notAfter}\nnext: parley client start --home ${options.home} --data FILE`,
      )
      return 0
    }),
  )

const label = (text: string) => text.replace(/[\p{Cc}\p{Cf}]/gu, '')

export const list = remote(command('list', 'list the clients of the federation')).action(
  action<RemoteOptions>(async (options, output) => {
    const coordinator = await RemoteCoordinator.connect(options)
    const { clients } = (await coordinator.json('GET', '/v1/clients')) as { clients: readonly Shown[] }
    const lines = clients.map(
      ({ client, state, fingerprint = '-', certificateUntil = '-', lastSeenAt = '-', label: name }) =>
        `${client.padEnd(20)} ${state.padEnd(9)} ${fingerprint.padEnd(24)} certificate ${certificateUntil.padEnd(24)} seen ${lastSeenAt}  ${label(name)}`,
    )
    output.result({ clients }, lines.join('\n') || 'nobody was invited yet')
    return 0
  }),
)

async function change<Answer = Shown>(
  options: RemoteOptions,
  client: string,
  verb: string,
  body: object,
): Promise<Answer> {
  const coordinator = await RemoteCoordinator.connect(options)
  return (await coordinator.send('POST', `/v1/clients/${encodeURIComponent(client)}/${verb}`, body)) as Answer
}

const named = (one: Command) => remote(one).argument('<name>', 'the id of the client')

export const approve = named(command('approve', 'let a client in whose fingerprint was compared'))
  .argument('<fingerprint>', 'what `parley client join` printed there, read out over another channel')
  .action(
    action<RemoteOptions>(async (options, output, client = '', fingerprint = '') => {
      const shown = await change(options, client, 'approve', { fingerprint })
      output.result(shown, `${client} is ${shown.state}; its certificate is good until ${shown.certificateUntil}`)
      return 0
    }),
  )

const because = (verb: string, description: string, done: string) =>
  named(command(verb, description))
    .requiredOption('--reason <text>', 'why; it stands in the audit log')
    .action(
      action<RemoteOptions & { reason: string }>(async (options, output, client = '') => {
        const answer = await change<Shown | { readonly request: RequestView }>(options, client, verb, {
          reason: options.reason,
        })
        output.result(answer, 'request' in answer ? requestText(answer.request) : `${client} ${done}`)
        return 0
      }),
    )

export const refuse = because('refuse', 'do not let a client in', 'was not let in')
export const suspend = because(
  'suspend',
  'keep a client out until it is let in again',
  'is out, and its session has ended',
)
export const revoke = because(
  'revoke',
  'keep a client and its key out for ever',
  'is out for ever, and its session has ended',
)

export const revokeAll = remote(command('revoke-all', 'keep all clients and their keys out for ever'))
  .requiredOption('--reason <text>', 'why; it stands in the audit log')
  .action(
    action<RemoteOptions & { reason: string }>(async ({ reason, ...options }, output) => {
      const coordinator = await RemoteCoordinator.connect(options)
      const answer = (await coordinator.send('POST', '/v1/clients/revoke-all', { reason })) as
        | { readonly request: RequestView }
        | { readonly revoked: readonly string[] }
      const text =
        'request' in answer
          ? requestText(answer.request)
          : `${answer.revoked.length} clients are out for ever, and their sessions have ended: ${answer.revoked.join(', ')}`
      output.result(answer, text)
      return 0
    }),
  )

export const resume = named(command('resume', 'let a suspended client in again')).action(
  action<RemoteOptions>(async (options, output, client = '') => {
    output.result(await change(options, client, 'resume', {}), `${client} may take part again`)
    return 0
  }),
)

export const rename = named(command('rename', 'change what people call a client; its id stays'))
  .argument('<label>', 'the new name')
  .action(
    action<RemoteOptions>(async (options, output, client = '', text = '') => {
      const shown = await change(options, client, 'rename', { label: text })
      output.result(shown, `${client} is called ${label(shown.label)}`)
      return 0
    }),
  )
