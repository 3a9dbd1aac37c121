import {
  approvalsNeeded,
  changeText,
  coordinatorName,
  type Decision,
  leavingOf,
  leavingText,
  loadPolicy,
  planChanges,
  type Review,
  reviewsIn,
  signDecision,
  standingOf,
  type TrustedPolicy,
} from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { action, group } from '../command.ts'
import { homeOf, identityOf } from '../home.ts'
import { dateOption } from '../options.ts'
import { type PolicyHomeOptions, policyCommand, policyPathOf } from '../policy-options.ts'
import { siteKeyIn } from '../site-key.ts'

const withDecision = (name: string, description: string) =>
  policyCommand(name, description)
    .argument('<digest>', 'the plan’s digest, or how it begins')
    .requiredOption('--key <file>', 'the secret key of the site, or of an approver of the policy')

const list = policyCommand('list', 'list the plans that wait for a person, or did').action(
  action<PolicyHomeOptions>(async (options, output) => {
    const { reviews, trusted } = await open(options)
    const found = (await reviews.list(trusted)).map((one) => summaryOf(one, trusted))
    const lines = found.map(({ digest, plan, at, state }) => `${digest.slice(0, 16)}  ${plan}  ${at}  ${state}`)
    output.result({ reviews: found }, lines.join('\n') || 'nothing waits')
    return 0
  }),
)

const show = policyCommand(
  'show',
  'show a plan, what differs from the last approved one, and what would leave the site',
)
  .argument('<digest>', 'the plan’s digest, or how it begins')
  .action(
    action<PolicyHomeOptions>(async (options, output, digest = '') => {
      const { reviews, trusted } = await open(options)
      const all = await reviews.list(trusted)
      const review = oneOf(all, digest)
      const { held, plan } = review
      const leaving = leavingOf(plan, held.parameters, trusted.policy.privacy?.delta)
      const last = lastApproved(all, review, trusted)
      const changes = last === undefined ? undefined : planChanges(last.plan, plan)
      const compared =
        last === undefined || changes === undefined
          ? ['no plan was approved before']
          : [`against ${last.digest}, the last approved plan:`, ...changes.map((one) => `  ${changeText(one)}`)]
      const summary = summaryOf(review, trusted)
      output.result(
        { ...summary, held, leaving, ...(last === undefined ? {} : { last: last.digest, changes }), text: plan },
        [
          `plan ${plan.name}, digest ${review.digest}: ${summary.state}`,
          `asked by ${summary.coordinator} in run ${held.run}, round ${held.round}, with a cohort of ${held.cohort}; held since ${held.at}`,
          `because ${held.why}`,
          '',
          'what would leave this site:',
          ...leavingText(leaving).map((line) => `  ${line}`),
          '',
          ...compared,
          '',
          JSON.stringify(plan, null, 2),
        ].join('\n'),
      )
      return 0
    }),
  )

type ApproveOptions = PolicyHomeOptions & { readonly key: string; readonly until?: string; readonly data?: string }

const approve = withDecision('approve', 'allow a plan, by its digest')
  .option('--until <date>', 'how long; by default as long as the policy', dateOption)
  .option('--data <name>', 'the data set of the policy that it may use; by default the only one')
  .action(
    action<ApproveOptions>(async (options, output, digest = '') => {
      return await decide(options, output, digest, (review, { policy }) => {
        const { study } = review.held
        if (study !== undefined && Object.hasOwn(policy.studies, study)) return { decision: 'approve', study }
        return { decision: 'approve', data: dataOf(options.data, Object.keys(policy.data)) }
      })
    }),
  )

const refuse = withDecision('refuse', 'refuse a plan; the coordinator is told the reason')
  .requiredOption('--reason <text>', 'why, at most 400 characters')
  .action(
    action<PolicyHomeOptions & { readonly key: string; readonly reason: string }>(
      async (options, output, digest = '') => {
        const { reason } = options
        if (reason.length === 0 || reason.length > 400)
          throw new ParleyError('request.invalid', '--reason has 1 to 400 characters')
        return await decide(options, output, digest, () => ({ decision: 'refuse', reason }))
      },
    ),
  )

export const clientReviewCommand = group(
  'review',
  'plans that wait for a person; `list` is meant where nothing is said',
)
  .addCommand(list, { isDefault: true })
  .addCommand(show)
  .addCommand(approve)
  .addCommand(refuse)

async function open(options: PolicyHomeOptions) {
  const home = homeOf(options.home)
  const trusted = await loadPolicy(nodeCrypto, policyPathOf(options), home.policyKey)
  const client = (await identityOf(home)).publicKey
  return { trusted, client, reviews: reviewsIn({ crypto: nodeCrypto, state: home.policyState, client }) }
}

type Said = Pick<Decision, 'decision'> & Partial<Pick<Decision, 'study' | 'data' | 'reason'>>

async function decide(
  options: PolicyHomeOptions & { readonly key: string; readonly until?: string },
  output: { result(data: unknown, text: string): void },
  digest: string,
  say: (review: Review, trusted: TrustedPolicy) => Said,
): Promise<number> {
  const { reviews, trusted, client } = await open(options)
  const review = oneOf(await reviews.list(trusted), digest)
  const key = await siteKeyIn(options.key)
  const publicKey = toHex(key.publicKey)
  const people = [...trusted.siteKeys.map(toHex), ...Object.values(trusted.policy.approvers)]
  if (!people.includes(publicKey)) {
    throw new ParleyError('policy.untrusted', 'this key is neither the site’s nor one of the policy’s approvers')
  }
  const decision: Decision = {
    v: 1,
    ...say(review, trusted),
    plan: review.digest,
    client: toHex(client),
    coordinator: review.held.coordinator,
    at: new Date(systemClock.now()).toISOString(),
    ...(options.until === undefined ? {} : { until: options.until }),
  }
  await reviews.decide(review.digest, key.publicKey, signDecision(key, decision))
  const after = oneOf(await reviews.list(trusted), review.digest)
  const { state } = summaryOf(after, trusted)
  output.result({ digest: review.digest, state }, `plan ${review.plan.name}, digest ${review.digest}: ${state}`)
  return 0
}

function summaryOf({ digest, plan, held, decisions }: Review, trusted: TrustedPolicy) {
  const { policy } = trusted
  const standing = standingOf(approvalsNeeded(trusted), decisions, systemClock.now())
  const coordinator = coordinatorName(policy, held.coordinator) ?? held.coordinator
  return { digest, plan: plan.name, coordinator, at: held.at, state: stateText(standing, decisions) }
}

function stateText(standing: ReturnType<typeof standingOf>, decisions: Review['decisions']): string {
  switch (standing?.kind) {
    case undefined:
      return 'waits'
    case 'refused':
      return `refused: ${standing.reason}`
    case 'waiting':
      return `waits: ${standing.approved} of ${standing.of} people approved it`
    case 'approved': {
      const ends = decisions.flatMap(({ decision: { until } }) => until ?? []).sort()
      return ends[0] === undefined ? 'approved' : `approved until ${ends[0]}`
    }
    default:
      return standing satisfies never
  }
}

/** The plan of a digest, or of the only one that begins so. */
function oneOf(reviews: readonly Review[], digest: string): Review {
  const [found, another] = reviews.filter((review) => digest.length >= 8 && review.digest.startsWith(digest))
  if (found !== undefined && another === undefined) return found
  throw new ParleyError('object.not-found', `no single plan under review has a digest that begins with ${digest}`)
}

function dataOf(named: string | undefined, known: readonly string[]): string {
  const [only, another] = known
  if (named === undefined && only !== undefined && another === undefined) return only
  if (named !== undefined && known.includes(named)) return named
  throw new ParleyError(
    'request.invalid',
    `--data is one of the policy’s data sets: ${known.join(', ') || 'there is none'}`,
  )
}

/** The plan that people approved last: of the same name, where there is one. */
function lastApproved(all: readonly Review[], { digest, plan }: Review, trusted: TrustedPolicy): Review | undefined {
  const needed = approvalsNeeded(trusted)
  const atOf = ({ decisions }: Review) =>
    decisions
      .map(({ decision }) => decision.at)
      .sort()
      .at(-1) ?? ''
  const approved = all
    .filter((one) => one.digest !== digest && standingOf(needed, one.decisions, 0)?.kind === 'approved')
    .sort((a, b) => (atOf(a) < atOf(b) ? 1 : -1))
  return approved.find((one) => one.plan.name === plan.name) ?? approved[0]
}
