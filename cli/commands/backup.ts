import { rename, rm } from 'node:fs/promises'
import type { AuditLog } from '../../audit/index.ts'
import { actorOfId, HOST } from '../../core/audit/actor.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { type BackupMade, coordinatorKeys, createBackup } from '../backup/create.ts'
import { passphraseIn } from '../backup/keys.ts'
import type { BackupManifest } from '../backup/manifest.ts'
import { type Checked, checkBackup, restoreBackup } from '../backup/restore.ts'
import { action, command, group } from '../command.ts'
import { auditLogOf, type Home, homeOf, identityOf } from '../home.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { keyOption } from '../options.ts'
import type { Output } from '../output.ts'
import { remote } from '../remote.ts'
import { version } from '../version.ts'

type Create = RemoteOptions & { readonly keysPassphraseFile?: string; readonly includeKeysInTheClear?: boolean }

const create = remote(command('create', 'copy the folder of a coordinator, which may be running, into one file'))
  .argument('<file>', 'made; it must not be there')
  .option('--keys-passphrase-file <file>', 'take the keys along, under the passphrase that is its first line')
  .option('--include-keys-in-the-clear', 'take the keys along as they are: who has the file can be the coordinator')
  .action(
    action<Create>(async (options, output, file = '') => {
      const { keysPassphraseFile, includeKeysInTheClear, home = '.parley/coordinator' } = options
      if (keysPassphraseFile !== undefined && includeKeysInTheClear === true)
        throw new ParleyError('request.invalid', 'keys go along under a passphrase or in the clear, not both')
      const keys =
        keysPassphraseFile !== undefined
          ? { passphrase: await passphraseIn(keysPassphraseFile) }
          : includeKeysInTheClear === true
            ? 'clear'
            : 'apart'
      const recording = await recorder({ ...options, home })
      try {
        const made = await createBackup({
          home,
          file,
          keys,
          parley: version,
          now: systemClock.now,
          onProgress: progress(output, (bytes) => `${mebibytes(bytes)} copied`),
        })
        await recording.record(made).catch(async (failure: unknown) => {
          await rm(`${file}.partial`, { force: true })
          throw failure
        })
        await rename(`${file}.partial`, file)
        output.result({ file, ...summaryOf(made) }, madeText(file, made))
        return 0
      } finally {
        await recording.close()
      }
    }),
  )

const verify = command('verify', 'check that a backup is whole and signed by its coordinator')
  .argument('<file>', 'the backup')
  .option(
    '--key <hex>',
    'the coordinator’s public key, got over another channel; by default the one in the file',
    keyOption,
  )
  .action(
    action<{ readonly key?: Uint8Array }>(async ({ key }, output, file = '') => {
      const checked = await checkBackup(file, { trusted: key, onProgress: progress(output, read()) })
      output.result(summaryOf(checked), `whole: ${contentText(checked.manifest)}`)
      return 0
    }),
  )

type Restore = {
  readonly home: string
  readonly keysPassphraseFile?: string
  readonly keys?: string
  readonly key?: Uint8Array
}

const restore = command('restore', 'make the folder of a coordinator out of a backup, once all of it is checked')
  .argument('<file>', 'the backup')
  .requiredOption('--home <folder>', 'a new folder: nothing is overwritten')
  .option('--keys-passphrase-file <file>', 'passphrase of the keys in the backup: its first line')
  .option('--keys <folder>', 'folder with the keys, where they were kept apart')
  .option(
    '--key <hex>',
    'the coordinator’s public key, got over another channel; by default the one in the file',
    keyOption,
  )
  .action(
    action<Restore>(async ({ home, keysPassphraseFile, keys, key }, output, file = '') => {
      const passphrase = keysPassphraseFile === undefined ? undefined : await passphraseIn(keysPassphraseFile)
      const checked = await restoreBackup({
        path: file,
        home,
        passphrase,
        keys,
        trusted: key,
        onProgress: progress(output, read()),
        finish: recordRestored,
      })
      output.result(
        { home, ...summaryOf(checked) },
        `restored into ${home}: ${contentText(checked.manifest)}\n  what happened after ${checked.manifest.at} is undone; next: parley coordinator --home ${home}`,
      )
      return 0
    }),
  )

export const backupCommand = group(
  'backup',
  'copies of a coordinator’s folder, and coordinators out of copies',
  create,
  verify,
  restore,
)

type Recorder = { record(made: BackupMade): Promise<void>; close(): Promise<void> }

/** Records in the log of the folder: by itself where no coordinator runs, else through the one that runs. */
async function recorder(options: RemoteOptions & { readonly home: string }): Promise<Recorder> {
  const home = homeOf(options.home)
  // Opening a log makes what is not there.
  await coordinatorKeys(options.home)
  const log = await ownLog(home)
  const entryOf = ({ sha256, bytes, files, manifest }: BackupMade) => ({
    sha256,
    bytes,
    files,
    keys: manifest.keys.kept,
  })
  if (log !== undefined) {
    return {
      record: async (made) => {
        const { sha256, ...details } = entryOf(made)
        await log.append({
          action: 'backup.create',
          actor: actorOfId(HOST),
          object: { kind: 'backup', id: sha256 },
          details,
        })
      },
      close: () => log.close(),
    }
  }
  const coordinator = await RemoteCoordinator.connect(options)
  const { publicKey } = (await coordinator.json('GET', '/v1/key')) as { publicKey: string }
  if (publicKey !== toHex((await identityOf(home)).publicKey))
    throw new ParleyError(
      'config.invalid',
      `another coordinator answers at ${options.url}: give the --url of the one that uses ${options.home}`,
    )
  return {
    record: async (made) => void (await coordinator.send('POST', '/v1/backups', entryOf(made))),
    close: async () => {},
  }
}

/** Undefined where a coordinator writes it, and where there is none: then there is nothing to copy either. */
async function ownLog(home: Home): Promise<AuditLog | undefined> {
  try {
    return await auditLogOf(home, await identityOf(home))
  } catch (failure) {
    if (failure instanceof ParleyError && failure.code === 'audit.locked') return undefined
    throw failure
  }
}

async function recordRestored(folder: string, { manifest, sha256 }: Checked): Promise<void> {
  const home = homeOf(folder)
  const log = await auditLogOf(home, await identityOf(home))
  try {
    const details = {
      made: manifest.at,
      parley: manifest.parley,
      runs: manifest.runs.length,
      files: manifest.files.length,
    }
    await log.append({
      action: 'backup.restore',
      actor: actorOfId(HOST),
      object: { kind: 'backup', id: sha256 },
      details,
    })
  } finally {
    await log.close()
  }
}

function summaryOf({ manifest, sha256, bytes }: Checked) {
  const { files, keys, ...rest } = manifest
  return { sha256, bytes, files: files.length, keys: keys.kept, ...rest }
}

function madeText(file: string, { manifest, bytes, sha256 }: BackupMade): string {
  const { kept } = manifest.keys
  const keys =
    kept === 'apart'
      ? 'its keys are not in it: keep a copy of them elsewhere, without them it cannot be restored'
      : kept === 'sealed'
        ? 'its keys are in it, under the passphrase'
        : 'its keys are in it in the clear: who has the file can be the coordinator'
  return `${file}, ${mebibytes(bytes)}: ${contentText(manifest)}\n  SHA-256 ${sha256}\n  ${keys}`
}

function contentText({ coordinator, at, runs, files }: BackupManifest): string {
  const active = runs.filter(({ status }) => status === 'active').length
  return `coordinator ${coordinator} at ${at}, ${runs.length} runs (${active} active), ${files.length} files`
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}

/** A line every two seconds. */
function progress(output: Output, text: (bytes: number) => string): (bytes: number) => void {
  let last = systemClock.now()
  return (bytes) => {
    const line = text(bytes)
    if (systemClock.now() - last < 2_000) return
    last = systemClock.now()
    output.say(line)
  }
}

function read(): (bytes: number) => string {
  let all = 0
  return (bytes) => {
    all += bytes
    return `${mebibytes(all)} checked`
  }
}
