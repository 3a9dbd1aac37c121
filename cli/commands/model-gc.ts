import { ParleyError } from '../../core/errors/index.ts'
import { durationMs, durationSchema } from '../../core/plan/duration.ts'
import { systemClock } from '../../core/system-clock.ts'
import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { remote } from '../remote.ts'

type Gc = RemoteOptions & { readonly olderThan: string; readonly remove?: boolean }
type Garbage = { readonly blobs: number; readonly bytes: number; readonly kept: number; readonly removed: boolean }

export const gc = remote(command('gc', 'show what no version, candidate or newer run needs, and remove it'))
  .option(
    '--older-than <duration>',
    'runs that started so long ago lose what only they need; their rounds cannot be computed again',
    '90d',
  )
  .option('--remove', 'remove it; without this it is only shown')
  .action(
    action<Gc>(async (options, output) => {
      const age = durationSchema.safeParse(options.olderThan)
      if (!age.success) throw new ParleyError('request.invalid', `--older-than: ${age.error.issues[0]?.message}`)
      const coordinator = await RemoteCoordinator.connect(options)
      const before = new Date(systemClock.now() - durationMs(age.data)).toISOString()
      const body = { type: 'application/json', text: JSON.stringify({ before, dryRun: options.remove !== true }) }
      const garbage = (await coordinator.json('POST', '/v1/garbage', body)) as Garbage
      const what = `${garbage.blobs} files of ${(garbage.bytes / 2 ** 20).toFixed(1)} MiB`
      output.result(
        garbage,
        garbage.removed ? `${what} were removed` : `${what} could be removed (--remove); ${garbage.kept} are needed`,
      )
      return 0
    }),
  )
