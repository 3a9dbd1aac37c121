import { ParleyError } from '../../core/errors/index.ts'
import type { MemberView, RequestView } from '../../server/index.ts'
import { addFirstMember, openDurableStore, roles } from '../../server/index.ts'
import { action, command, group } from '../command.ts'
import { homeOf } from '../home.ts'
import type { RemoteCoordinator } from '../http-client.ts'
import { type InitialPassword, writeInitial } from '../initial-password.ts'
import { asPerson, memberId, type PersonOptions, person } from '../member-login.ts'
import { listOption } from '../options.ts'
import { requestText } from '../request-text.ts'
import { memberSetup } from './member-setup.ts'

type Made = { readonly member: MemberView; readonly initial: InitialPassword; readonly request?: RequestView }
type Add = PersonOptions & {
  readonly role?: readonly string[]
  readonly first?: boolean
  readonly initialFile?: string
}

const add = person(command('add', 'add a member, and make the password for its first login'))
  .argument('<name>', 'the name to log in with')
  .option('--role <role>', `${roles.join(', ')}; ROLE=TIME ends then; may stand several times`, listOption)
  .option('--first', 'the first member, an admin, straight into the store of --home while no coordinator runs on it')
  .option('--initial-file <file>', 'write the password there, for nobody else to read, instead of printing it')
  .action(
    action<Add>(async (options, output, name = '') => {
      const made = options.first === true ? await first(options, name) : await asPerson(options, post(options, name))
      const { initial, request } = made
      const shown = await writeInitial(initial, options.initialFile)
      const waiting = request === undefined ? '' : `\nthe role of an admin waits: ${requestText(request)}`
      output.result({ ...made, initial: shown.data }, `${memberLine(made.member)}\n${shown.text}${waiting}`)
      return 0
    }),
  )

function post({ role = [] }: Add, name: string): (coordinator: RemoteCoordinator) => Promise<Made> {
  const body = { name, roles: role.map(grantOf) }
  return async (coordinator) => (await coordinator.send('POST', '/v1/members', body)) as Made
}

async function first({ home, role }: Add, name: string): Promise<Made> {
  if (home === undefined) throw new ParleyError('request.invalid', '--first goes with --home')
  if (role !== undefined) throw new ParleyError('request.invalid', '--first is an admin: --role does not go with it')
  const store = await openDurableStore({ folder: homeOf(home).store })
  try {
    return await addFirstMember(store, name)
  } finally {
    await store.close()
  }
}

const list = person(command('list', 'list the members, and what they may')).action(
  action<PersonOptions>(async (options, output) => {
    const { members } = (await asPerson(options, (coordinator) => coordinator.json('GET', '/v1/members'))) as {
      readonly members: readonly MemberView[]
    }
    output.result({ members }, members.map(memberLine).join('\n') || 'no members')
    return 0
  }),
)

type Role = PersonOptions & { readonly until?: string; readonly remove?: boolean }

const role = person(command('role', 'give a member a role, or take it away'))
  .argument('<member>', 'name or id')
  .argument('<role>', roles.join(', '))
  .option('--until <time>', 'when it ends')
  .option('--remove', 'take it away')
  .action(
    action<Role>(async (options, output, who = '', name = '') => {
      const { until, remove } = options
      const answer = (await asPerson(options, async (coordinator) => {
        const path = `/v1/members/${await memberId(coordinator, who)}/roles/${encodeURIComponent(name)}`
        if (remove === true) return coordinator.json('DELETE', path)
        return coordinator.send('PUT', path, until === undefined ? {} : { until: timeOf(until) })
      })) as { readonly member?: MemberView; readonly request?: RequestView }
      const { member, request } = answer
      output.result(
        answer,
        request !== undefined ? requestText(request) : member === undefined ? '' : memberLine(member),
      )
      return 0
    }),
  )

/** Commands that do one thing to one member. */
function simple(name: string, description: string) {
  return person(command(name, description))
    .argument('<member>', 'name or id')
    .action(
      action<PersonOptions>(async (options, output, who = '') => {
        const answer = (await asPerson(options, async (coordinator) =>
          coordinator.json('POST', `/v1/members/${await memberId(coordinator, who)}/${name}`),
        )) as { readonly member: MemberView }
        output.result(answer, memberLine(answer.member))
        return 0
      }),
    )
}

const resetPassword = person(command('reset-password', 'make another password for a first login, and end all sessions'))
  .argument('<member>', 'name or id')
  .option('--initial-file <file>', 'write the password there, for nobody else to read, instead of printing it')
  .action(
    action<PersonOptions & { readonly initialFile?: string }>(async (options, output, who = '') => {
      const { initial } = (await asPerson(options, async (coordinator) =>
        coordinator.json('POST', `/v1/members/${await memberId(coordinator, who)}/reset-password`),
      )) as { readonly initial: InitialPassword }
      const shown = await writeInitial(initial, options.initialFile)
      output.result({ initial: shown.data }, shown.text)
      return 0
    }),
  )

function grantOf(text: string): { readonly role: string; readonly until?: string } {
  const at = text.indexOf('=')
  return at < 0 ? { role: text } : { role: text.slice(0, at), until: timeOf(text.slice(at + 1)) }
}

function timeOf(text: string): string {
  const ms = Date.parse(text)
  if (Number.isNaN(ms))
    throw new ParleyError('request.invalid', `"${text}" is no time as 2027-01-31 or 2027-01-31T18:00:00Z`)
  return new Date(ms).toISOString()
}

function memberLine({ id, name, disabled, grants, secondFactor, initialPasswordUntil }: MemberView): string {
  const held = grants.map(
    ({ role: one, until, active }) => `${one}${until === undefined ? '' : ` until ${until}`}${active ? '' : ' (over)'}`,
  )
  const notes = [
    ...(disabled ? ['disabled'] : []),
    ...(initialPasswordUntil === undefined ? [] : [`has not logged in yet, may until ${initialPasswordUntil}`]),
    ...(secondFactor ? [] : ['no second factor']),
  ]
  return [`${name}  ${id}`, held.join(', ') || 'no role', ...notes].join('  ')
}

export const memberCommand = group(
  'member',
  'people who may do something with a coordinator',
  add,
  list,
  role,
  simple('disable', 'let a member do nothing any more, from now on'),
  simple('enable', 'let a disabled member in again'),
  resetPassword,
  simple('reset-second-factor', 'let a member set up another second factor, and end all sessions'),
  memberSetup,
)
