import { ParleyError } from '../../core/errors/index.ts'
import type { RequestView } from '../../server/index.ts'
import { action, command, group } from '../command.ts'
import { asPerson, type PersonOptions, person } from '../member-login.ts'
import { ask } from '../prompts.ts'
import { requestText } from '../request-text.ts'

const list = person(command('list', 'list what waits for a second person, or waited, the newest first'))
  .option('--all', 'also what is decided or over')
  .action(
    action<PersonOptions & { readonly all?: boolean }>(async (options, output) => {
      const answer = (await asPerson(options, (coordinator) => coordinator.json('GET', '/v1/requests'))) as {
        readonly requests: readonly RequestView[]
      }
      const requests = answer.requests.filter(({ state }) => options.all === true || state === 'pending')
      output.result({ requests }, requests.map(requestText).join('\n') || 'nothing waits')
      return 0
    }),
  )

const confirm = person(command('confirm', 'confirm what another member has asked for: it is done at once'))
  .argument('<id>', 'id of the request')
  .option(
    '--digest <sha256>',
    'digest of the request that you have looked at; you are shown it and asked where there is none',
  )
  .action(
    action<PersonOptions & { readonly digest?: string }>(async (options, output, id = '') => {
      const path = `/v1/requests/${encodeURIComponent(id)}`
      const answer = (await asPerson(options, async (coordinator) => {
        const digest = options.digest ?? (await lookedAt((await coordinator.json('GET', path)) as RequestView))
        return coordinator.send('POST', `${path}/confirm`, { digest })
      })) as { readonly request: RequestView; readonly result: object }
      output.result(answer, `${requestText(answer.request)}\n  ${JSON.stringify(answer.result)}`)
      return 0
    }),
  )

async function lookedAt(request: RequestView): Promise<string> {
  process.stderr.write(`${requestText(request)}\n`)
  const said = await ask('confirm it? (yes)', '--digest')
  if (said.trim() !== 'yes') throw new ParleyError('interrupted', 'it was not confirmed')
  return request.digest
}

const refuse = person(command('refuse', 'end a request without doing it; your own, you take back'))
  .argument('<id>', 'id of the request')
  .action(
    action<PersonOptions>(async (options, output, id = '') => {
      const path = `/v1/requests/${encodeURIComponent(id)}/refuse`
      const answer = (await asPerson(options, (coordinator) => coordinator.json('POST', path))) as {
        readonly request: RequestView
      }
      output.result(answer, requestText(answer.request))
      return 0
    }),
  )

export const requestCommand = group('request', 'acts that take two people', list, confirm, refuse)
