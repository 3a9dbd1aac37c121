import { ParleyError } from '../../core/errors/index.ts'
import { action, command } from '../command.ts'
import { homeOf } from '../home.ts'
import { DEFAULT_URL, RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { existing } from '../secret-files.ts'

/** Supervisors wait about so long. */
const LONGEST_MS = 5_000

type Options = Pick<RemoteOptions, 'url' | 'home' | 'ca'> & { readonly ready?: boolean }

/** For supervisors and containers that have no other program to ask with. */
export const healthCommand = command('health', 'ask a coordinator whether it lives; 0 when it does, 5 when not')
  .option('--url <url>', 'HTTP address of the coordinator', DEFAULT_URL)
  .option('--home <folder>', 'folder of the coordinator, for the certificate of its authority')
  .option('--ca <file>', 'certificate of the coordinator’s authority, PEM; by default that of its folder')
  .option('--ready', 'whether it takes work: not while journals are replayed, nor while it drains')
  .action(
    action<Options>(async ({ url, home, ca, ready }, output) => {
      const own = home === undefined ? undefined : homeOf(home).authority.certificate
      const certificate = ca ?? (own !== undefined && (await existing(own)) !== undefined ? own : undefined)
      const coordinator = await RemoteCoordinator.connect({
        url,
        ...(certificate === undefined ? {} : { ca: certificate }),
      })
      const path = ready === true ? '/readyz' : '/healthz'
      const answer = await answerOf(coordinator, path, url)
      output.result(answer, ready === true ? 'ready' : 'alive')
      return 0
    }),
  )

type Answer = Readonly<Record<string, unknown>>

/** Throws `coordinator.unreachable` for all but a good answer, whoever gives it. */
async function answerOf(coordinator: RemoteCoordinator, path: string, url: string): Promise<Answer> {
  try {
    const response = await coordinator.request('GET', path, undefined, {}, AbortSignal.timeout(LONGEST_MS))
    const answer = (await response.json()) as Answer
    if (answer.alive === true || answer.ready === true) return answer
  } catch (cause) {
    const { code, message } = ParleyError.from(cause)
    const why = code === 'coordinator.unreachable' ? message : `${url} answers, and takes no work: ${message}`
    throw new ParleyError('coordinator.unreachable', why, { cause })
  }
  throw new ParleyError('coordinator.unreachable', `${url} answers, and not as a coordinator`)
}
