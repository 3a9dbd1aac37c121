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
import { downloadVersion, holdsVersion, verifyFolder, versionPath } from '../version-folder.ts'
import { approve, canary, log, promote, rollback, stateCommand } from './model-alias.ts'
import { audit } from './model-audit.ts'
import { card, diff, exportModel } from './model-export.ts'
import { gc } from './model-gc.ts'
import { rollout } from './model-rollout.ts'

type ModelSummary = Pick<ModelAnswer, 'aliases'> & { readonly model: string; readonly versions: number }

function summaryLine({ model, versions, aliases }: ModelSummary): string {
  const names = aliases.map(({ alias, version }) => `${alias} is ${version}`)
  return [model, `${versions} ${versions === 1 ? 'version' : 'versions'}`, ...names].join('  ')
}

const list = remote(command('list', 'list the models that have versions')).action(
  action<RemoteOptions>(async (options, output) => {
    const coordinator = await RemoteCoordinator.connect(options)
    const { models } = (await coordinator.json('GET', '/v1/models')) as { models: ModelSummary[] }
    output.result({ models }, models.map(summaryLine).join('\n') || 'no versions are published yet')
    return 0
  }),
)

const show = remote(command('show', 'show a version: what it came from, and what it showed'))
  .argument('<version>', REFERENCE)
  .action(
    action<RemoteOptions>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const manifest = await coordinator.json('GET', versionPath(reference))
      output.result(manifest, `${reference.model}/${reference.number}\n${JSON.stringify(manifest, null, 2)}`)
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
