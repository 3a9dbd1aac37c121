import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { approvalPayload } from '../../core/attestation/approval.ts'
import { dsseBytes, IN_TOTO_PAYLOAD_TYPE, signDsse } from '../../core/attestation/dsse.ts'
import { timestampOf } from '../../core/attestation/time.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { RequestView } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { homeOf, identityOf } from '../home.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import {
  ALIAS_REFERENCE,
  type AliasAnswer,
  modelOf,
  parseAlias,
  REFERENCE,
  resolveReference,
} from '../model-reference.ts'
import { countFromZero, countOption, percentOption } from '../options.ts'
import { remote } from '../remote.ts'
import { requestText } from '../request-text.ts'
import { versionPath } from '../version-folder.ts'

type Said = RemoteOptions & { readonly reason: string; readonly as?: string; readonly expect?: number }

function said(one: Command): Command {
  return remote(one)
    .requiredOption('--reason <text>', 'why; it stands in the history for ever')
    .option('--as <id>', 'who does it: refused unless the token is theirs')
    .option('--expect <n>', 'only if the alias’s newest move has this number', countFromZero)
}

function post(coordinator: RemoteCoordinator, path: string, body: object): Promise<unknown> {
  return coordinator.json('POST', path, { type: 'application/json', text: JSON.stringify(body) })
}

function aliasPath(model: string, alias: string): string {
  return `/v1/models/${model}/aliases/${alias}`
}

/** Where two members are needed, it waits for the second. */
type Promoted = AliasAnswer | { readonly request: RequestView }

const moved = ({ alias, version, sequence, reason }: AliasAnswer, model: string) =>
  `${model}@${alias} is version ${version} (move ${sequence}: ${reason})`

export const promote = said(command('promote', 'move an alias to a version'))
  .argument('<version>', 'NAME/VERSION')
  .option('--alias <name>', 'the alias that moves', 'production')
  .action(
    action<Said & { alias: string }>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { model, number } = await resolveReference(coordinator, text)
      const { reason, as: actor, expect } = options
      const body = { version: number, reason, actor, expect }
      const answer = (await post(coordinator, aliasPath(model, options.alias), body)) as Promoted
      output.result(answer, 'request' in answer ? requestText(answer.request) : moved(answer, model))
      return 0
    }),
  )

type Canary = Said & { readonly alias: string; readonly share: number; readonly rollout?: string }

export const canary = said(command('canary', 'give a share of the consumers of an alias another version'))
  .argument('<version>', 'NAME/VERSION of the challenger')
  .requiredOption('--share <percent>', 'share of the consumers, in percent; 0 ends it', percentOption)
  .option('--alias <name>', 'the alias that is split', 'production')
  .option('--rollout <id>', 'which consumers are drawn follows from it; the same one only adds when the share grows')
  .action(
    action<Canary>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { model, number } = await resolveReference(coordinator, text)
      const { alias, reason, as: actor, expect, share } = options
      const holder = (await modelOf(coordinator, model)).aliases.find((one) => one.alias === alias)
      if (holder === undefined) throw new ParleyError('object.not-found', `${model} has no alias ${alias}`)
      const { root } = (await coordinator.json('GET', versionPath({ model, number }))) as Manifest
      const id = options.rollout ?? `roll_${randomBytes(6).toString('hex')}`
      const rollout = share === 0 ? undefined : { id, number, root, share: Math.round(share * 100) }
      const body = { version: holder.version, reason, actor, expect, rollout }
      const move = (await post(coordinator, aliasPath(model, alias), body)) as Promoted
      if ('request' in move) {
        output.result(move, requestText(move.request))
        return 0
      }
      const split = rollout === undefined ? 'nobody gets another version' : `${share} % get version ${number} (${id})`
      output.result({ ...move, rollout }, `${moved(move, model)}; ${split}`)
      return 0
    }),
  )

export const rollback = said(command('rollback', 'move an alias back to the version before, or to another that it had'))
  .argument('<alias>', ALIAS_REFERENCE)
  .option('--to <n>', 'number of the version', countOption)
  .action(
    action<Said & { to?: number }>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { model, alias } = parseAlias(text)
      const { reason, as: actor, expect, to } = options
      const path = `${aliasPath(model, alias)}/rollback`
      const move = (await post(coordinator, path, { reason, actor, expect, to })) as AliasAnswer
      output.result(move, moved(move, model))
      return 0
    }),
  )

export const log = remote(command('log', 'show the moves of an alias: who, when, why'))
  .argument('<alias>', ALIAS_REFERENCE)
  .action(
    action<RemoteOptions>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { model, alias } = parseAlias(text)
      const moves = (await modelOf(coordinator, model)).history.filter((move) => move.alias === alias)
      const lines = moves.map(
        ({ sequence, at, version, actor, reason }, i) =>
          `${sequence}  ${at}  ${i === 0 ? '–' : moves[i - 1]?.version} → ${version}  ${actor}: ${reason}`,
      )
      output.result({ model, alias, moves }, lines.join('\n') || `${model} has no alias ${alias}`)
      return 0
    }),
  )

/** `withdraw`, `deprecate` and `restore` say different things of a version in the same way. */
export function stateCommand(name: string, state: string, description: string): Command {
  return said(command(name, description))
    .argument('<version>', 'NAME/VERSION')
    .action(
      action<Said>(async (options, output, text = '') => {
        const coordinator = await RemoteCoordinator.connect(options)
        const reference = await resolveReference(coordinator, text)
        const { reason, as: actor } = options
        const body = { state, reason, actor }
        const result = await post(coordinator, `${versionPath(reference)}/state`, body)
        output.result(result, `${reference.model}/${reference.number} is ${state}: ${reason}`)
        return 0
      }),
    )
}

type Approve = RemoteOptions & { readonly identity: string; readonly member: string }

export const approve = remote(command('approve', 'approve a version with your own key, as one of the listed members'))
  .argument('<version>', REFERENCE)
  .requiredOption('--member <name>', 'your name on the coordinator’s list of approvers')
  .requiredOption('--identity <folder>', 'folder with your identity, as `parley identity` made it')
  .action(
    action<Approve>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const { root, model } = (await coordinator.json('GET', versionPath(reference))) as Manifest
      const payload = approvalPayload({
        model,
        root,
        member: options.member,
        policy: toHex(nodeCrypto.sha256(utf8('parley release policy 1'))),
        at: timestampOf(systemClock.now()),
        properties: ['PARLEY_GATES_PASSED', 'PARLEY_CARD_READ', 'PARLEY_RELEASE_APPROVED'],
      })
      const key = await identityOf(homeOf(options.identity))
      const envelope = dsseBytes(await signDsse(key, IN_TOTO_PAYLOAD_TYPE, payload))
      const body = { type: 'application/vnd.dsse.envelope.v1+json', text: fromUtf8(envelope) }
      const approval = await coordinator.json('POST', `${versionPath(reference)}/approvals`, body)
      output.result(approval, `${options.member} approves ${reference.model}/${reference.number}, root ${root}`)
      return 0
    }),
  )
