import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type RecordPrivacy, recordPrivacyOf } from '../../core/plan/record-privacy.ts'
import { maskedCoordinates, type RoundPrivacy, roundPrivacyOf } from '../../core/plan/round-privacy.ts'
import { type Budget, epsilonOf, spent } from '../../core/privacy/index.ts'
import type { TrainConfiguration } from '../../core/run/round-configuration.ts'
import type { RecordsHeader } from '../../core/run/update-header.ts'
import type { Trainer } from '../training/ports.ts'
import { chargeLedger, type PrivacyLedger, runPart } from './ledger.ts'
import type { SiteRecord } from './site-record.ts'

export type Ledgers = {
  readonly ledger?: PrivacyLedger | undefined
  readonly recordLedger?: PrivacyLedger | undefined
  readonly site?: SiteRecord | undefined
}

/** How a client trains in a round that hides its rows, and what it tells of that. */
export type RecordCharge = { readonly privacy: RecordPrivacy; readonly header: RecordsHeader }

/**
 * What the plan, which the coordinator signed with the task, means for the whole update in this round; charged before anything is done.
 * Throws `node.plan-refused` and what `chargeLedger` does.
 */
export async function chargeUpdate(
  { ledger, site }: Ledgers,
  plan: Plan,
  configuration: TrainConfiguration,
  allowed?: Budget,
): Promise<RoundPrivacy | undefined> {
  const { run, round, clip, parameters, mode, coordinates } = configuration
  const due = mode === 'masked' ? maskedCoordinates(plan, parameters) : undefined
  if (plan.privacy.mode !== mode || (plan.privacy.clip === undefined) !== (clip === undefined) || coordinates !== due) {
    throw new ParleyError('node.plan-refused', 'the task has another privacy than its plan')
  }
  const clipping = plan.privacy.clip
  if (clip === undefined || clipping === undefined) return undefined
  if ('flat' in clipping && clip !== clipping.flat.norm) {
    throw new ParleyError('node.plan-refused', 'the task clips to another norm than its plan')
  }
  const privacy = roundPrivacyOf(plan, parameters, clip)
  if (allowed !== undefined && ledger === undefined) {
    throw new ParleyError('node.plan-refused', 'the client’s policy limits ε, and this client keeps no ledger')
  }
  if (privacy?.charge !== undefined && ledger !== undefined) {
    await chargeLedger(ledger, `${run}/${round}`, privacy.charge, { allowed })
    await site?.charged(configuration, privacy.charge, ledger)
  }
  return privacy
}

/**
 * What the plan means for each training row in this round; charged before anything is done. Undefined where it hides none. Throws
 * `node.plan-refused` where this client cannot keep the promise, and what `chargeLedger` does.
 */
export async function chargeRecords(
  { recordLedger: ledger, site }: Ledgers,
  plan: Plan,
  configuration: TrainConfiguration,
  trainer: Trainer,
  allowed?: Budget,
): Promise<RecordCharge | undefined> {
  const { records } = plan.privacy
  if (records === undefined) return undefined
  const { run, round, parameters } = configuration
  const { delta, epsilon: limit } = records
  const rows = checkedRows(trainer, delta)
  const privacy = recordPrivacyOf(plan, parameters, rows)
  if (privacy === undefined) return undefined
  if (ledger === undefined) {
    throw refused('the plan hides rows (privacy.records), and this client keeps no ledger of what they have cost')
  }
  const { accountant = 'tightest' } = ledger.budget
  const epsilonOfRound = spent([privacy.spend], delta, accountant).epsilon
  const ofRun = limit === undefined ? undefined : { run, budget: { epsilon: limit, delta } }
  const paid = await chargeLedger(ledger, `${run}/${round}`, privacy.spend, { allowed, ofRun })
  await site?.charged(configuration, privacy.spend, ledger, 'row')
  const ofAll = runPart(paid, run)
  const told = epsilonOf(ofAll, delta, accountant).epsilon
  // Limits are kept as tightly as accountants can, and what is told is never above them.
  const epsilon = told > (limit ?? Number.MAX_VALUE) ? epsilonOf(ofAll, delta).epsilon : told
  return {
    privacy,
    header: { delta: String(delta), epsilon: String(epsilon), epsilonOfRound: String(epsilonOfRound) },
  }
}

function checkedRows({ rows, hidesRows }: Trainer, delta: number): number {
  if (hidesRows !== true) throw refused('the trainer of this client cannot hide single rows (privacy.records)')
  if (rows === undefined || rows.train < 1) throw refused('nothing says how many rows are trained on (privacy.records)')
  if (rows.train * delta >= 1) {
    throw refused(
      `privacy.records.delta of ${delta} would allow to publish one row of ${rows.train}: it must be far below ${1 / rows.train}`,
    )
  }
  return rows.train
}

function refused(message: string): ParleyError {
  return new ParleyError('node.plan-refused', message)
}
