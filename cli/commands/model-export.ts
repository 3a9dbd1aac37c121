import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'
import { readConfig } from '../../core/export/config-json.ts'
import type { ModelFile } from '../../core/export/exported.ts'
import { linearJson } from '../../core/export/linear-json.ts'
import { logisticJson } from '../../core/export/logistic-json.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { type Manifest, versionFiles } from '../../core/release/manifest.ts'
import { readModel } from '../../core/tensors/safetensors.ts'
import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { modelOf, REFERENCE, resolveReference } from '../model-reference.ts'
import { keyOption } from '../options.ts'
import { remote } from '../remote.ts'
import { TAGS_ARE, tagItems, tagsOf } from '../tags.ts'
import { downloadVersion, holdsVersion, verifyFolder, versionPath } from '../version-folder.ts'

const formats = ['tfjs', 'json', 'safetensors'] as const
type Format = (typeof formats)[number]

type Export = RemoteOptions & { readonly key: Uint8Array; readonly format: Format }

/** Derivatives of a version: what is exported was verified, and is not signed itself. */
export const exportModel = remote(command('export', 'write a verified version in another format'))
  .argument('<version>', `a downloaded folder, or ${REFERENCE}`)
  .argument('<folder>', 'made when it is not there')
  .requiredOption('--key <hex>', 'public key of the coordinator, got over another channel', keyOption)
  .option(
    '--format <name>',
    'tfjs: a TensorFlow.js layers model; json: a logistic or linear model as plain JSON; safetensors',
    'tfjs',
  )
  .action(
    action<Export>(async (options, output, text = '', folder = '') => {
      const format = formats.find((one) => one === options.format)
      if (format === undefined) throw new ParleyError('request.invalid', `--format is one of ${formats.join(', ')}`)
      const files = await withVersion(options, text, (source) => exported(source, format))
      await mkdir(folder, { recursive: true })
      for (const { name, bytes } of files) await writeFile(join(folder, name), bytes)
      const names = files.map(({ name }) => name)
      output.result({ format, folder, files: names }, `${names.join(', ')} in ${folder}`)
      return 0
    }),
  )

/** Works on the folder of a version that has verified: one on disk, or a download that is removed again. */
async function withVersion<Result>(
  options: Export,
  text: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  if (holdsVersion(text)) {
    await checkGenuine(text, options.key)
    return work(text)
  }
  const coordinator = await RemoteCoordinator.connect(options)
  const reference = await resolveReference(coordinator, text)
  const folder = await mkdtemp(join(tmpdir(), 'parley-export-'))
  try {
    await downloadVersion(coordinator, reference, folder)
    await checkGenuine(folder, options.key, reference)
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function checkGenuine(
  folder: string,
  key: Uint8Array,
  expected?: { model: string; number: number },
): Promise<void> {
  const { failed, checks } = await verifyFolder(folder, key, expected)
  if (failed === undefined) return
  throw new ParleyError(
    'verify.failed',
    `check "${failed}": ${checks.find(({ name }) => name === failed)?.detail ?? ''}`,
  )
}

async function exported(folder: string, format: Format): Promise<readonly ModelFile[]> {
  const bytes = await readFile(join(folder, versionFiles.weights))
  if (format === 'safetensors') return [{ name: 'model.safetensors', bytes }]
  const input = readConfig(await readFile(join(folder, versionFiles.config)))
  const { layout, values: weights } = readModel(bytes)
  if (format === 'json') {
    return [
      'linear' in input.model ? linearJson({ ...input, layout, weights }) : logisticJson({ ...input, layout, weights }),
    ]
  }
  return tfjsLayersModel({ ...input, layout, weights })
}

export const card = remote(command('card', 'print the model card of a version'))
  .argument('<version>', REFERENCE)
  .action(
    action<RemoteOptions>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const readme = await (
        await coordinator.request('GET', `${versionPath(reference)}/files/${versionFiles.card}`)
      ).text()
      const tags = await tagsOf(coordinator, reference)
      const after = tags.length === 0 ? [] : ['', '## Tags', '', TAGS_ARE, '', ...tagItems(tags)]
      output.result({ ...reference, card: readme, tags }, [readme.trimEnd(), ...after].join('\n'))
      return 0
    }),
  )

const FACTS = ['weights', 'root', 'plan', 'run', 'round', 'rule', 'parameters', 'publishedAt'] as const

export const diff = remote(command('diff', 'compare two versions: what they came from, and what they showed'))
  .argument('<one>', REFERENCE)
  .argument('<other>', REFERENCE)
  .action(
    action<RemoteOptions>(async (options, output, first = '', second = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const manifests: Manifest[] = []
      for (const text of [first, second]) {
        manifests.push(
          (await coordinator.json('GET', versionPath(await resolveReference(coordinator, text)))) as Manifest,
        )
      }
      const [one, other] = manifests as [Manifest, Manifest]
      const facts = FACTS.filter((name) => one[name] !== other[name]).map((name) => ({
        name,
        values: [one[name], other[name]],
      }))
      const metrics = Object.keys({ ...one.metrics, ...other.metrics }).map((name) => {
        const values = [one, other].map(({ metrics: own }) => own?.[name as 'accuracy'] ?? null)
        return { name, values }
      })
      const states = (await modelOf(coordinator, other.model)).states
      const line = ({ name, values }: { name: string; values: readonly unknown[] }) =>
        `  ${name}: ${values.join(' → ')}`
      const lines = [...facts.map(line), ...metrics.filter(({ values }) => values[0] !== values[1]).map(line)]
      output.result(
        { one: `${one.model}/${one.number}`, other: `${other.model}/${other.number}`, facts, metrics, states },
        [`${one.model}/${one.number} → ${other.model}/${other.number}`, ...lines].join('\n'),
      )
      return 0
    }),
  )
