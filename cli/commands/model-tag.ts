import type { Command } from 'commander'
import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { REFERENCE, resolveReference } from '../model-reference.ts'
import { remote } from '../remote.ts'
import { tagOption, tagText } from '../tags.ts'
import { versionPath } from '../version-folder.ts'

type Named = RemoteOptions & { readonly as?: string }
type Change = { readonly previous: string | null } | null

function named(one: Command): Command {
  return remote(one)
    .argument('<version>', REFERENCE)
    .option('--as <name>', 'who does it: refused unless the token is theirs')
}

async function change(options: Named, text: string, key: string, value: string | null) {
  const coordinator = await RemoteCoordinator.connect(options)
  const reference = await resolveReference(coordinator, text)
  const body = { type: 'application/json', text: JSON.stringify({ key, value, actor: options.as }) }
  const answer = await coordinator.json('POST', `${versionPath(reference)}/tags`, body)
  return { ...(answer as { change: Change }), name: `${reference.model}/${reference.number}` }
}

export const tag = named(command('tag', 'give a version a tag: a word of yours, which is not signed'))
  .argument('<tag>', 'KEY=VALUE; a tag that is there already gets the new value')
  .action(
    action<Named>(async (options, output, text = '', words = '') => {
      const { key, value } = tagOption(words)
      const { change: made, name } = await change(options, text, key, value)
      output.result({ change: made }, `${name}${made === null ? ' had it already' : ''}\n${tagText({ key, value })}`)
      return 0
    }),
  )

export const untag = named(command('untag', 'take a tag away from a version'))
  .argument('<key>', 'its name')
  .action(
    action<Named>(async (options, output, text = '', key = '') => {
      const { change: made, name } = await change(options, text, key, null)
      output.result({ change: made }, `${name} had\n${tagText({ key, value: made?.previous ?? '' })}`)
      return 0
    }),
  )
