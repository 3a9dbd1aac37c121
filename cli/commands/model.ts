import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ParleyError } from '../../core/errors/index.ts'
import type { Verification } from '../../core/release/verify.ts'
import { action, command, group } from '../command.ts'
import { DEFAULT_URL, RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { keyOption } from '../options.ts'
import type { Output } from '../output.ts'
import { downloadVersion, holdsVersion, type Reference, verifyFolder, versionPath } from '../version-folder.ts'

type ModelAnswer = {
  readonly versions: readonly { readonly number: number; readonly publishedAt: string; readonly weights: string }[]
  readonly aliases: readonly { readonly alias: string; readonly version: number }[]
}

type ModelSummary = Pick<ModelAnswer, 'aliases'> & { readonly model: string; readonly versions: number }

function summaryLine({ model, versions, aliases }: ModelSummary): string {
  const names = aliases.map(({ alias, version }) => `${alias} is ${version}`)
  return [model, `${versions} ${versions === 1 ? 'version' : 'versions'}`, ...names].join('  ')
}

function remote(one: Command): Command {
  return one.option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
}

const REFERENCE = 'NAME, NAME/VERSION or NAME@ALIAS'

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
      const reference = await resolve(coordinator, text)
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
      const reference = await resolve(coordinator, text)
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
      const reference = await resolve(coordinator, text)
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

export const modelCommand = group('model', 'list, show, download and verify versions', list, show, download, verify)

/** What a reference names now. An alias, or a bare name's `production`, is asked of the coordinator. */
async function resolve(coordinator: RemoteCoordinator, text: string): Promise<Reference> {
  const [, model, number, alias] = /^([a-z0-9][a-z0-9._-]{0,99})(?:\/(\d{1,9})|@([a-z0-9_-]{1,100}))?$/.exec(text) ?? []
  if (model === undefined) throw new ParleyError('request.invalid', `"${text}" is neither a folder nor ${REFERENCE}`)
  if (number !== undefined) return { model, number: Number(number) }
  const answer = (await coordinator.json('GET', `/v1/models/${model}`)) as ModelAnswer
  const holder = answer.aliases.find((one) => one.alias === (alias ?? 'production'))
  if (holder === undefined) throw new ParleyError('object.not-found', `${model} has no alias ${alias ?? 'production'}`)
  return { model, number: holder.version }
}

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
