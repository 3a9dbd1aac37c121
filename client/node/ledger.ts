import { ParleyError } from '../../core/errors/index.ts'
import { type Budget, charge, type Ledger, type Spend } from '../../core/privacy/index.ts'

/** What a client has spent over all plans and coordinators, kept by the client itself. */
export interface PrivacyLedger {
  /** The client's own limit over its life, whatever plans allow themselves. */
  readonly budget: Budget
  read(): Promise<Ledger>
  /** Resolves when the ledger is durable. */
  write(ledger: Ledger): Promise<void>
}

/**
 * Pays for a round before anything of it is done. A client that begins a round again, after a restart, makes new noise for the
 * same data and pays again: it cannot know what was seen of the first. Throws
 * `privacy.budget-exhausted` when it would pass the client's budget, or counts privacy in another way than the ledger does.
 */
export async function chargeLedger(ledger: PrivacyLedger, round: string, spend: Spend): Promise<void> {
  const before = await ledger.read()
  const paid = new Set(before.entries.flatMap(({ keys }) => keys))
  let attempt = 1
  while (paid.has(`${round}#${attempt}`)) attempt++
  const charged = charge(before, { key: `${round}#${attempt}`, spend }, ledger.budget)
  if (charged.kind === 'refused') {
    const { epsilon, delta } = ledger.budget
    const why = {
      budget: `with this round it would be ε = ${charged.spent.epsilon.toFixed(3)} at δ = ${delta}, and ${epsilon} is allowed`,
      'key-reused': 'the round was paid for with another noise',
      neighbours: 'the plan counts for other neighbours than what was spent before',
    }[charged.reason]
    throw new ParleyError('privacy.budget-exhausted', `the client’s own privacy ledger does not allow it: ${why}`)
  }
  if (charged.ledger !== before) await ledger.write(charged.ledger)
}
