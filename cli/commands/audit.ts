import { InvalidArgumentError } from 'commander'
import { auditFolderOf, exportBundle, queryFolder, verifyFolder } from '../../audit/index.ts'
import type { AuditFilter } from '../../core/audit/filter.ts'
import { AuditFault, type FileLine } from '../../core/audit/problem.ts'
import type { AuditRecord } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { recordLine, reportText } from '../audit-text.ts'
import { action, command, group } from '../command.ts'
import { countOption, keyOption, listOption, readText } from '../options.ts'
import { printable } from '../printable.ts'

const HOME = 'folder of a coordinator or a client, or one with an exported log'

type Verify = { readonly key?: Uint8Array; readonly checkpoint?: readonly string[] }

const verify = command('verify', 'check that an audit log is whole: nothing removed, changed, reordered or put in')
  .argument('<path>', HOME)
  .option('--key <hex>', 'public audit key, got over another channel; by default the one in the folder', keyOption)
  .option('--checkpoint <file>', 'a checkpoint kept from earlier: it must be in the history too', listOption)
  .action(
    action<Verify>(async ({ key, checkpoint = [] }, output, path = '') => {
      const folder = await auditFolderOf(path)
      const kept: FileLine[] = []
      for (const file of checkpoint) {
        const lines = (await readText(file)).split('\n').filter((line) => line !== '')
        kept.push(...lines.map((text, index) => ({ file, line: index + 1, text })))
      }
      const { problem, ...report } = await plainly(() => verifyFolder(nodeCrypto, folder, { publicKey: key, kept }))
      if (problem !== undefined) throw plain(new AuditFault(problem))
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

type Export = { readonly home: string; readonly client?: string }

const exporting = command('export', 'write the log into a folder that can be verified without the coordinator')
  .argument('<folder>', 'made where it is not there; it must be empty')
  .option('--home <folder>', HOME, '.parley/coordinator')
  .option('--client <id>', 'show only records of this client; of all others their hashes, so that it still verifies')
  .action(
    action<Export>(async ({ home, client }, output, to = '') => {
      const from = await auditFolderOf(home)
      const shown = (record: AuditRecord) => client === undefined || isOf(client, record)
      const exported = await plainly(() => exportBundle(nodeCrypto, { from, to, shown }))
      const { records, redacted, checkpoints, publicKey } = exported
      output.result(
        exported,
        `${records} records (${redacted} redacted) and ${checkpoints} checkpoints are in ${to}; its README.md says how to check them\n  key ${publicKey}`,
      )
      return 0
    }),
  )

function isOf(client: string, { actor, object }: AuditRecord): boolean {
  return [actor, object].some(({ kind, id }) => kind === 'client' && id === client)
}

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

/** What is wrong with a log may quote it, and what is in it may be anybody’s. */
async function plainly<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (failure) {
    throw plain(ParleyError.from(failure))
  }
}

function plain(error: ParleyError): ParleyError {
  const { code, message, details, cause } = error
  return new ParleyError(code, printable(message), { cause, ...(details === undefined ? {} : { details }) })
}

export const auditCommand = group('audit', 'the log of who did what, of a coordinator or a client')
  .addCommand(verify)
  .addCommand(timeline)
  .addCommand(exporting)
