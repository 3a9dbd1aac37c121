import { InvalidArgumentError } from 'commander'
import { auditFolderOf, exportBundle, isBundle, queryFolder, verifyFolder } from '../../audit/index.ts'
import { type AuditFilter, isOfClient } from '../../core/audit/filter.ts'
import { AuditFault, type FileLine } from '../../core/audit/problem.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { recordLine, reportText } from '../audit-text.ts'
import { action, command, group } from '../command.ts'
import { DEFAULT_URL } from '../http-client.ts'
import { REFERENCE } from '../model-reference.ts'
import { countOption, listOption, readText } from '../options.ts'
import { pinnedKey } from '../pinned-keys.ts'
import { plainError, plainly } from '../printable.ts'
import { type BundleKeys, type BundleRequest, downloadBundle, verifyBundle } from './audit-bundle.ts'
import { compare } from './audit-compare.ts'

const HOME = 'folder of a coordinator or a client, or one with an exported log'

type Verify = BundleKeys & { readonly checkpoint?: readonly string[] }

const verify = command('verify', 'check that an audit log, or a bundle with versions, is whole and says one thing')
  .argument('<path>', `${HOME}; or a bundle of evidence`)
  .option(
    '--key <key>',
    'public audit key, got over another channel: 64 hexadecimal digits, or a file with them or with the answer of /v1/audit/key',
  )
  .option(
    '--coordinator-key <key>',
    'of a bundle: the key of versions and aliases; by default the one that the log names',
  )
  .option(
    '--release-key <file>',
    'of a bundle: a release key, PEM, that versions may have; may stand several times',
    listOption,
  )
  .option('--checkpoint <file>', 'a checkpoint kept from earlier: it must be in the history too', listOption)
  .action(
    action<Verify>(async ({ checkpoint = [], ...keys }, output, path = '') => {
      const kept: FileLine[] = []
      for (const file of checkpoint) {
        const lines = (await readText(file)).split('\n').filter((line) => line !== '')
        kept.push(...lines.map((text, index) => ({ file, line: index + 1, text })))
      }
      if (await isBundle(path)) return await plainly(() => verifyBundle(path, keys, kept, output))
      const folder = await auditFolderOf(path)
      const publicKey = keys.key === undefined ? undefined : await pinnedKey(keys.key)
      const { problem, ...report } = await plainly(() => verifyFolder(nodeCrypto, folder, { publicKey, kept }))
      if (problem !== undefined) throw plainError(new AuditFault(problem))
      output.result(report, reportText(report))
      return 0
    }),
  )

type Timeline = {
  readonly home: string
  readonly actor?: string
  readonly action?: string
  readonly object?: string
  readonly from?: number
  readonly to?: number
  readonly limit: number
}

const timeline = command('timeline', 'show who did what, when; the oldest first')
  .option('--home <folder>', HOME, '.parley/coordinator')
  .option('--actor <who>', 'only of this actor: kind:id, or the id')
  .option('--action <what>', 'only this: noun.verb, or a noun for all of its verbs')
  .option('--object <what>', 'only of this object and what is below it: kind:id, or the id')
  .option('--from <time>', 'from this time on, UTC: 2026-01-31 or 2026-01-31T08:00:00Z', (text) =>
    timeOption(text, 'T00:00:00.000Z'),
  )
  .option('--to <time>', 'up to this time, included', (text) => timeOption(text, 'T23:59:59.999Z'))
  .option('--limit <n>', 'the newest so many of these', countOption, 1_000)
  .action(
    action<Timeline>(async ({ home, limit, actor, action: what, object, from, to }, output) => {
      const folder = await auditFolderOf(home)
      const filter: AuditFilter = { actor, action: what, object, from, to }
      const { records, left } = await plainly(() => newest(queryFolder(folder, filter), limit))
      const more = left === 0 ? [] : [`${left} older ones are not shown (--limit)`]
      const text = [...more, ...records.map(recordLine)].join('\n')
      output.result({ records, leftOut: left }, text === '' ? 'no such record' : text)
      return 0
    }),
  )

const exporting = command(
  'export',
  'take a log away, with versions where they are asked for, to verify it without the coordinator',
)
  .argument('<path>', 'a folder for the log alone, made where it is not there; with versions, or --url, a tar file')
  .option('--home <folder>', `${HOME}; .parley/coordinator where no --url is given`)
  .option('--client <id>', 'show only records of this client; of all others their hashes, so that it still verifies')
  .option('--with <version>', `with this version: ${REFERENCE}; may stand several times`, listOption)
  .option('--all-versions', 'with all versions')
  .option(
    '--url <url>',
    `take it from the coordinator at this address, as a tar file; versions by default from ${DEFAULT_URL}`,
  )
  .option('--ca <file>', 'certificate of the coordinator’s authority, PEM; by default that of its folder')
  .option('--token-file <file>', 'file with an API token that has evidence.export, or with the admin token')
  .action(
    action<BundleRequest>(async (request, output, to = '') => {
      const { url, client, with: versions, allVersions } = request
      if (url !== undefined || versions !== undefined || allVersions === true) {
        return await plainly(() => downloadBundle(request, to, output))
      }
      const from = await auditFolderOf(request.home ?? '.parley/coordinator')
      const shown = (record: AuditRecord) => client === undefined || isOfClient(client, record)
      const exported = await plainly(() => exportBundle(nodeCrypto, { from, to, shown }))
      const { records, redacted, checkpoints, publicKey } = exported
      output.result(
        exported,
        `${records} records (${redacted} redacted) and ${checkpoints} checkpoints are in ${to}; its README.md says how to check them\n  key ${publicKey}`,
      )
      return 0
    }),
  )

async function newest(found: AsyncIterable<AuditRecord>, limit: number) {
  const records: AuditRecord[] = []
  let left = 0
  for await (const record of found) {
    records.push(record)
    if (records.length < 2 * limit) continue
    left += records.splice(0, limit).length
  }
  left += records.splice(0, Math.max(0, records.length - limit)).length
  return { records, left }
}

function timeOption(text: string, rest: string): number {
  const time = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}${rest}` : text)
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text) || !Number.isFinite(time)) {
    throw new InvalidArgumentError('a time in UTC: 2026-01-31 or 2026-01-31T08:00:00Z')
  }
  return time
}

export const auditCommand = group('audit', 'the log of who did what, of a coordinator or a client')
  .addCommand(verify)
  .addCommand(timeline)
  .addCommand(exporting)
  .addCommand(compare)
