import { ParleyError } from '../../core/errors/index.ts'
import { durationMs, durationSchema } from '../../core/plan/duration.ts'
import { systemClock } from '../../core/system-clock.ts'
import { scopes, type TokenView } from '../../server/index.ts'
import { action, command, group } from '../command.ts'
import { DEFAULT_URL } from '../http-client.ts'
import {
  asPerson,
  type LoginFiles,
  loggedIn,
  memberId,
  type PersonOptions,
  person,
  withLoginFiles,
} from '../member-login.ts'
import { listOption } from '../options.ts'
import { create as createFile } from '../secret-files.ts'

type Create = LoginFiles & {
  readonly url: string
  readonly login: string
  readonly label: string
  readonly scope: readonly string[]
  readonly expires: string
  readonly out?: string
}

const create = withLoginFiles(command('create', 'make a token for a program; it is shown once'))
  .option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
  .requiredOption('--login <name>', 'the member whose token it is, who logs in for it')
  .requiredOption('--label <text>', 'what it is for')
  .requiredOption('--scope <permission>', `${scopes.join(', ')}; may stand several times`, listOption)
  .option('--expires <time>', 'how long it holds, as 90d, or until when; a year at most', '90d')
  .option('--out <file>', 'write it there, for nobody else to read, instead of printing it')
  .action(
    action<Create>(async (options, output) => {
      const { url, login, label, scope, out } = options
      const body = { label, scopes: scope, expiresAt: endOf(options.expires) }
      const made = (await loggedIn(url, login, options, (coordinator) =>
        coordinator.send('POST', '/v1/tokens', body),
      )) as TokenView & { readonly token: string }
      const { token, ...view } = made
      if (out === undefined) output.result(made, `${token}\n  ${tokenLine(view)}`)
      else {
        await createFile(out, `${token}\n`)
        output.result({ ...view, file: out }, `the token is in ${out}\n  ${tokenLine(view)}`)
      }
      return 0
    }),
  )

type OfMember = PersonOptions & { readonly member?: string }

const ofMember = 'of another member, by name or id; by default your own'

const list = person(command('list', 'list tokens'))
  .option('--member <member>', ofMember)
  .action(
    action<OfMember>(async (options, output) => {
      const { tokens } = (await asPerson(options, async (coordinator) => {
        const { member } = options
        const path = member === undefined ? '/v1/tokens' : `/v1/members/${await memberId(coordinator, member)}/tokens`
        return coordinator.json('GET', path)
      })) as { readonly tokens: readonly TokenView[] }
      output.result({ tokens }, tokens.map(tokenLine).join('\n') || 'no tokens')
      return 0
    }),
  )

const revoke = person(command('revoke', 'end a token'))
  .argument('<id>', 'its id, as `parley token list` shows it')
  .option('--member <member>', ofMember)
  .action(
    action<OfMember>(async (options, output, id = '') => {
      const view = (await asPerson(options, async (coordinator) => {
        const { member } = options
        const base = member === undefined ? '/v1/tokens' : `/v1/members/${await memberId(coordinator, member)}/tokens`
        return coordinator.json('DELETE', `${base}/${encodeURIComponent(id)}`)
      })) as TokenView
      output.result(view, tokenLine(view))
      return 0
    }),
  )

/** A duration from now, or a time. */
function endOf(text: string): string {
  const [, days] = /^(\d{1,3})d$/.exec(text) ?? []
  const duration = durationSchema.safeParse(text)
  const ms =
    days !== undefined
      ? systemClock.now() + Number(days) * 86_400_000
      : duration.success
        ? systemClock.now() + durationMs(duration.data)
        : Date.parse(text)
  if (Number.isNaN(ms)) throw new ParleyError('request.invalid', '--expires is a duration as 90d or 8h, or a time')
  return new Date(ms).toISOString()
}

function tokenLine({ id, label, scopes: held, expiresAt, lastUsedAt, revokedAt }: TokenView): string {
  const used = lastUsedAt === undefined ? 'never used' : `last used ${lastUsedAt}`
  const end = revokedAt === undefined ? `ends ${expiresAt}` : `revoked ${revokedAt}`
  return `${id}  ${label}  ${end}  ${used}  ${held.join(', ')}`
}

export const tokenCommand = group('token', 'keys of programs', create, list, revoke)
