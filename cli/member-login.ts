import type { Command } from 'commander'
import { ParleyError } from '../core/errors/index.ts'
import { DEFAULT_URL, RemoteCoordinator, type RemoteOptions } from './http-client.ts'
import { secretFrom } from './prompts.ts'

export type LoginFiles = { readonly passwordFile?: string; readonly codeFile?: string }

export type PersonOptions = RemoteOptions & LoginFiles & { readonly login?: string }

/** The options of commands that a member gives, with a token or logged in; or the owner of the machine. */
export function person(one: Command): Command {
  return withLoginFiles(
    one
      .option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
      .option('--login <name>', 'log in as this member for this command')
      .option('--token-file <file>', 'file with an API token, instead')
      .option('--home <folder>', 'folder of the coordinator, as the owner of its machine, instead'),
  )
}

export function withLoginFiles(one: Command): Command {
  return one
    .option('--password-file <file>', 'file with the password; asked for where there is none')
    .option('--code-file <file>', 'file with a code of the second factor, or a recovery code; asked for likewise')
}

/** Does something as whoever the options say. A session that was begun for it is ended. */
export async function asPerson<Result>(
  options: PersonOptions,
  work: (coordinator: RemoteCoordinator) => Promise<Result>,
): Promise<Result> {
  const { login } = options
  if (login === undefined) return work(await RemoteCoordinator.connect(options))
  return loggedIn(options.url, login, options, work)
}

/** Does something as a member who logs in for it. */
export async function loggedIn<Result>(
  url: string,
  name: string,
  { passwordFile, codeFile }: LoginFiles,
  work: (coordinator: RemoteCoordinator) => Promise<Result>,
): Promise<Result> {
  const password = await secretFrom(passwordFile, `password of ${name}`, '--password-file')
  const coordinator = await RemoteCoordinator.logIn(url, { name, password, ...(await codeOf(codeFile)) })
  try {
    return await work(coordinator)
  } finally {
    await coordinator.logOut().catch(() => {})
  }
}

/** Where nobody can be asked there is none: a member without a second factor needs none. */
async function codeOf(file: string | undefined): Promise<{ readonly code?: string }> {
  if (file === undefined && process.stdin.isTTY !== true) return {}
  const code = (await secretFrom(file, 'code of the second factor (empty for none)', '--code-file')).trim()
  return code === '' ? {} : { code }
}

type Listed = { readonly id: string; readonly name: string }

/** The id of a member that was named, by id or name: no name looks like an id. */
export async function memberId(coordinator: RemoteCoordinator, text: string): Promise<string> {
  if (text.startsWith('mem_')) return text
  const { members } = (await coordinator.json('GET', '/v1/members')) as { readonly members: readonly Listed[] }
  const found = members.find(({ name }) => name === text)
  if (found === undefined) throw new ParleyError('object.not-found', `there is no member ${text}`)
  return found.id
}
