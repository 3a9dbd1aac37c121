import type { Command } from 'commander'
import { ParleyError } from '../../core/errors/index.ts'
import { durationMs } from '../../core/plan/duration.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { Authority, CoordinatorConfig, RunningCoordinator } from '../../server/index.ts'
import type { Home } from '../home.ts'
import { durationOption, listOption } from '../options.ts'
import { authorityOf, ServerCertificate } from './authority-files.ts'

export type EnrolmentOptions = {
  readonly host: string
  readonly publicName?: readonly string[]
  readonly publicUrl?: readonly string[]
  readonly certificateLifetime: string
  readonly tlsCert?: string
}

export function withEnrolmentOptions(one: Command): Command {
  return one
    .option(
      '--public-name <name>',
      'host name or address by which others reach it, for the certificate of its own authority; may stand several times',
      listOption,
    )
    .option(
      '--public-url <url>',
      'addresses for invitations, one https:// and those of carriers (grpcs://, wss://); by default where it listens',
      listOption,
    )
    .option(
      '--certificate-lifetime <duration>',
      'how long certificates of clients are good for',
      durationOption,
      '168h',
    )
}

/** What a coordinator with an authority of its own starts with; nothing where `parley init` was not run. */
export async function enrolmentOf(home: Home, options: EnrolmentOptions) {
  const authority = await authorityOf(home)
  if (authority === undefined) return undefined
  const names = [options.host, ...(options.publicName ?? [])]
  const own = options.tlsCert === undefined ? new ServerCertificate(authority, home, names) : undefined
  return { own, config: settings(authority, options) }
}

function settings(authority: Authority, options: EnrolmentOptions): NonNullable<CoordinatorConfig['enrolment']> {
  const certificateMs = durationMs(options.certificateLifetime)
  const addresses = addressesOf(options)
  return { authority, certificateMs, ...(addresses === undefined ? {} : { addresses }) }
}

/** Where others are to find it, as the options say. Throws `config.invalid`. */
export function addressesOf({ publicUrl }: Pick<EnrolmentOptions, 'publicUrl'>) {
  if (publicUrl === undefined) return undefined
  const [http, ...others] = publicUrl.filter((url) => /^https?:/.test(url))
  const carriers = publicUrl.filter((url) => /^(grpc|ws)s?:/.test(url))
  if (http === undefined || others.length > 0 || carriers.length === 0) {
    throw new ParleyError('config.invalid', '--public-url: one https:// address, and at least one of a carrier')
  }
  return { http, carriers }
}

/** Gives a running coordinator a new certificate when that is due, without touching what is connected. */
export function keepTls(own: ServerCertificate, running: RunningCoordinator, renewAt: number): { stop: () => void } {
  let cancel = () => {}
  const arm = (at: number) => {
    cancel = systemClock.after(Math.min(24 * 3_600_000, Math.max(1_000, at - systemClock.now())), () => {
      own
        .current(systemClock.now())
        .then(({ renewAt: next, ...tls }) => {
          running.renewTls(tls)
          arm(next)
        })
        .catch((failure: unknown) => {
          const { code, message } = ParleyError.from(failure)
          process.stderr.write(
            `parley: the certificate was not renewed, and is tried again in an hour: ${code}: ${message}\n`,
          )
          arm(systemClock.now() + 3_600_000)
        })
    })
  }
  arm(renewAt)
  return { stop: () => cancel() }
}
