import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'
import type { Verification } from '../../core/release/verify.ts'
import { action, command, group } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { type ModelAnswer, REFERENCE, resolveReference } from '../model-reference.ts'
import { keyOption } from '../options.ts'
import type { Output } from '../output.ts'
import { remote } from '../remote.ts'
import { allTags, type TagOfVersion, tagLines, tagOption, tagsOf, tagText } from '../tags.ts'
import { downloadVersion, holdsVersion, verifyFolder, versionPath } from '../version-folder.ts'
import { approve, canary, log, promote, rollback, stateCommand } from './model-alias.ts'
import { audit } from './model-audit.ts'
import { card, diff, exportModel } from './model-export.ts'
import { gc } from './model-gc.ts'
import { rollout } from './model-rollout.ts'
import { tag, untag } from './model-tag.ts'

type ModelSummary = Pick<ModelAnswer, 'aliases'> & { readonly model: string; readonly versions: number }

function summaryLine({ model, versions, aliases }: ModelSummary): string {
  const names = aliases.map(({ alias, version }) => `${alias} is ${version}`)
  return [model, `${versions} ${versions === 1 ? 'version' : 'versions'}`, ...names].join('  ')
}

const list = remote(command('list', 'list the models that have versions, and the tags of these'))
  .option('--tag <tag>', 'KEY=VALUE: list the versions that have this tag', tagOption)
  .action(
    action<RemoteOptions & { readonly tag?: TagOfVersion }>(async (options, output) => {
      const coordinator = await RemoteCoordinator.connect(options)
      const { tags, more } = await allTags(coordinator, options.tag)
      const end = more ? ['… there are more tags'] : []
      if (options.tag !== undefined) {
        const versions = tags.map(({ model, number }) => ({ model, number }))
        const lines = versions.map(({ model, number }) => `${model}/${number}`)
        output.result({ versions, more }, [...lines, ...end].join('\n') || 'no version has this tag')
        return 0
      }
      const { models } = (await coordinator.json('GET', '/v1/models')) as { models: ModelSummary[] }
      const lines = models.flatMap((one) => [
        summaryLine(one),
        ...tagLines(tags.filter(({ model }) => model === one.model)),
      ])
      output.result({ models, tags }, [...lines, ...end].join('\n') || 'no versions are published yet')
      return 0
    }),
  )

const show = remote(command('show', 'show a version: what it came from, and what it showed'))
  .argument('<version>', REFERENCE)
  .action(
    action<RemoteOptions>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const manifest = (await coordinator.json('GET', versionPath(reference))) as object
      const tags = await tagsOf(coordinator, reference)
      const lines = [`${reference.model}/${reference.number}`, ...tags.map(tagText), JSON.stringify(manifest, null, 2)]
      output.result({ ...manifest, tags }, lines.join('\n'))
      return 0
    }),
  )

const download = remote(command('download', 'download a version into a folder, and verify it'))
  .argument('<version>', REFERENCE)
  .argument('<folder>', 'made when it is not there')
  .requiredOption('--key <hex>', 'public key of the coordinator, got over another channel', keyOption)
  .action(
    action<RemoteOptions & { key: Uint8Array }>(async (options, output, text = '', folder = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      await downloadVersion(coordinator, reference, folder)
      return report(
        await verifyFolder(folder, options.key, reference),
        output,
        `${reference.model}/${reference.number} is in ${folder}`,
      )
    }),
  )

const verify = remote(command('verify', 'verify a version’s signature, manifest and weights against a pinned key'))
  .argument('<version>', `a downloaded folder, or ${REFERENCE}`)
  .requiredOption('--key <hex>', 'public key of the coordinator, got over another channel', keyOption)
  .action(
    action<RemoteOptions & { key: Uint8Array }>(async (options, output, text = '') => {
      if (holdsVersion(text)) return report(await verifyFolder(text, options.key), output, `${text} is genuine`)
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const folder = await mkdtemp(join(tmpdir(), 'parley-verify-'))
      try {
        await downloadVersion(coordinator, reference, folder)
        return report(
          await verifyFolder(folder, options.key, reference),
          output,
          `${reference.model}/${reference.number} is genuine`,
        )
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }),
  )

export const modelCommand = group(
  'model',
  'versions: look at them, verify them, and say which one is in use',
  list,
  show,
  card,
  diff,
  download,
  verify,
  exportModel,
  audit,
  gc,
  log,
  promote,
  canary,
  rollout,
  rollback,
  approve,
  tag,
  untag,
  stateCommand('deprecate', 'deprecated', 'say that a version should not be used any more'),
  stateCommand(
    'withdraw',
    'withdrawn',
    'take a version back: no alias may point at it, and consumers that follow are told',
  ),
  stateCommand('restore', 'in-use', 'take back that a version is deprecated or withdrawn'),
)

function report(verification: Verification, output: Output, success: string): number {
  const { checks, failed, manifest } = verification
  if (failed !== undefined) {
    const detail = checks.find(({ name }) => name === failed)?.detail ?? ''
    throw new ParleyError('verify.failed', `check "${failed}": ${detail}`)
  }
  const lines = checks.map(({ name, result }) => `  ${name}: ${result}`)
  output.result({ checks, manifest }, [success, ...lines].join('\n'))
  return 0
}
