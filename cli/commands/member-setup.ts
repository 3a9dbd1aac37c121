import { renderUnicodeCompact } from 'uqr'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { stepAt, totpCode } from '../../server/index.ts'
import { action, command } from '../command.ts'
import { DEFAULT_URL, type RemoteCoordinator } from '../http-client.ts'
import { type LoginFiles, loggedIn, withLoginFiles } from '../member-login.ts'
import { ask, secretFrom } from '../prompts.ts'
import { create } from '../secret-files.ts'

type Options = LoginFiles & {
  readonly url: string
  readonly newPasswordFile?: string
  readonly password?: boolean
  readonly secondFactor?: boolean
  readonly uriFile?: string
  readonly recoveryFile?: string
}

type Standing = { readonly todo: readonly string[] }

/** What a member does after an admin has added it, and when it wants another password or second factor. */
export const memberSetup = withLoginFiles(
  command('setup', 'set up your own account: password, second factor, recovery codes'),
)
  .argument('<name>', 'the name to log in with')
  .option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
  .option('--password', 'set another password, also where none is asked for')
  .option('--second-factor', 'set up another second factor, also where none is asked for')
  .option('--new-password-file <file>', 'file with the new password; asked for where there is none')
  .option(
    '--uri-file <file>',
    'write the second factor there, as an otpauth URI, and confirm it with a code made from it',
  )
  .option('--recovery-file <file>', 'write the recovery codes there, instead of printing them')
  .action(
    action<Options>(async (options, output, name = '') => {
      const done: string[] = []
      let recovery: object = {}
      await loggedIn(options.url, name, options, async (coordinator) => {
        const { todo } = (await coordinator.json('GET', '/v1/session')) as Standing
        if (todo.includes('password') || options.password === true) {
          await setPassword(coordinator, options)
          done.push('password')
        }
        if (todo.includes('second-factor') || options.secondFactor === true) {
          const codes = await setSecondFactor(coordinator, options, !todo.includes('second-factor'))
          done.push('second-factor')
          recovery = { recoveryCodes: codes }
          if (options.recoveryFile !== undefined) {
            await create(options.recoveryFile, `${codes.join('\n')}\n`)
            recovery = { recoveryFile: options.recoveryFile }
          } else {
            output.say(`recovery codes, each good for one login without the second factor:\n  ${codes.join('\n  ')}`)
          }
        }
      })
      output.result(
        { name, done, ...recovery },
        done.length === 0 ? 'nothing is to be done' : `set: ${done.join(', ')}`,
      )
      return 0
    }),
  )

async function setPassword(coordinator: RemoteCoordinator, options: Options): Promise<void> {
  const current = await secretFrom(options.passwordFile, 'present password', '--password-file')
  const next = await secretFrom(options.newPasswordFile, 'new password', '--new-password-file')
  if (options.newPasswordFile === undefined) {
    const again = await ask('new password, again', '--new-password-file', { secret: true })
    if (again !== next) throw new ParleyError('request.invalid', 'the two are not the same')
  }
  await coordinator.send('POST', '/v1/session/password', { current, next })
}

async function setSecondFactor(
  coordinator: RemoteCoordinator,
  { uriFile }: Options,
  replaces: boolean,
): Promise<readonly string[]> {
  // The code that logged in is used; another one proves the present factor.
  const present = replaces
    ? { code: await ask('a next code of the present second factor', 'nothing: run it in a terminal') }
    : {}
  const { uri } = (await coordinator.send('POST', '/v1/session/second-factor', present)) as { readonly uri: string }
  const code = uriFile === undefined ? await codeFromPerson(uri) : await codeFromFile(uri, uriFile)
  const answer = await coordinator.send('POST', '/v1/session/second-factor/confirm', { code })
  return (answer as { readonly recoveryCodes: readonly string[] }).recoveryCodes
}

async function codeFromPerson(uri: string): Promise<string> {
  if (process.stdout.isTTY === true) {
    process.stderr.write(`${renderUnicodeCompact(uri, { ecc: 'M', border: 2 })}\n${uri}\n`)
  }
  return (await ask('scan this with a program for codes; the code that it shows', '--uri-file')).trim()
}

async function codeFromFile(uri: string, file: string): Promise<string> {
  await create(file, `${uri}\n`)
  return totpCode(fromBase32(new URL(uri).searchParams.get('secret') ?? ''), stepAt(systemClock.now()))
}

function fromBase32(text: string): Uint8Array {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = Array.from(text, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2))
}
