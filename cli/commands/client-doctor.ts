import { Command } from 'commander'
import { isLogInUse } from '../../audit/index.ts'
import { type DoctorOptions, examine, type Reported } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { epsilonOf } from '../../core/privacy/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { type ClientOptions, dataOf, dialOptionsOf, engineOf, withClientOptions } from '../client-options.ts'
import { withClientStartOptions } from '../client-start-options.ts'
import { command } from '../command.ts'
import { configuredAction, withConfig } from '../config/configured.ts'
import { federationOf } from '../enrolment/federation.ts'
import { type Home, homeOf, identityOf } from '../home.ts'
import { wayOutOf } from '../network-options.ts'
import { readText } from '../options.ts'
import { readLedger, USUAL_DELTA } from '../privacy-ledger.ts'
import { existing } from '../secret-files.ts'

type Options = ClientOptions & { readonly plan?: string }

export const clientDoctorCommand = withClientOptions(
  withConfig(
    command(
      'doctor',
      'look at all that a client needs before it takes part; changes nothing, shows nothing of the data',
    ),
  ),
)
  .option('--plan <file>', 'read the data by the schema of this plan, and measure the machine against its model')
  .action(
    configuredAction<Options>(
      'client',
      async (options, output) => {
        const reports = await examine(await doctorOptionsOf(options), (reported) =>
          output.event({ type: 'check', ...reported }, textOf(reported)),
        )
        const failed = reports.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check)
        if (failed.length > 0) throw new ParleyError('node.not-ready', `failed: ${failed.join(', ')}`)
        const [warnings, untried] = (['warn', 'skipped'] as const).map(
          (outcome) => reports.filter((one) => one.outcome === outcome).length,
        )
        output.result({ checks: reports }, `nothing failed; ${warnings} to look at, ${untried} not tried`)
        return 0
      },
      withClientStartOptions(new Command('start')),
    ),
  )

async function doctorOptionsOf(options: Options): Promise<DoctorOptions> {
  const home = homeOf(options.home)
  const { urls, coordinatorKey, ca: authority, joined } = await federationOf(home, options)
  // What makes a carrier slow is not told at every dial.
  const dial = { ...(await dialOptionsOf(options, authority, await wayOutOf(options))), warn: () => {} }
  const { ca } = dial.tls
  const data = options.data === undefined && options.unsafeAllowAnyPlan === true ? undefined : dataOf(options)
  return {
    crypto: nodeCrypto,
    clock: systemClock,
    limits: defaultLimits,
    urls,
    dial,
    coordinatorKey,
    identity: await keyOf(home),
    home: options.home,
    spent: async () => {
      const ledger = await readLedger(home.ledger)
      // Read to see that it can be: its ε is another promise, and does not add up with this one.
      await readLedger(home.recordLedger)
      const rounds = ledger.entries.reduce((sum, { keys }) => sum + keys.length, 0)
      return { rounds, epsilon: epsilonOf(ledger, USUAL_DELTA).epsilon }
    },
    running: () => isLogInUse(home.audit),
    ...(ca === undefined ? {} : { authority: ca }),
    ...(joined === undefined ? {} : { certificate: { from: joined.from, until: joined.until } }),
    ...(options.unsafeAllowAnyPlan === true
      ? {}
      : { policy: { path: options.policy ?? home.policy, keyPath: home.policyKey } }),
    ...(data === undefined ? {} : { data }),
    ...(options.plan === undefined
      ? {}
      : { plan: parsePlan(await readText(options.plan), { maxBytes: defaultLimits.planBytes }) }),
    ...(options.engine === undefined ? {} : { engine: engineOf(options.engine) }),
  }
}

/** The client's key; one for this time alone where it has none yet, for nothing is made here. */
async function keyOf(home: Home): Promise<SigningKey> {
  const made = (await existing(home.identity)) !== undefined
  return made ? await identityOf(home) : nodeCrypto.signingKey(nodeCrypto.randomBytes(32))
}

const labels = { ok: 'ok', warn: 'look', fail: 'FAIL', skipped: '-' } as const

function textOf({ check, outcome, value, advice }: Reported): string {
  const line = `${labels[outcome].padEnd(5)} ${check.padEnd(12)} ${value}`
  return advice === undefined ? line : `${line}\n      what to do: ${advice}`
}
