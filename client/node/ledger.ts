import { ParleyError } from '../../core/errors/index.ts'
import { type Budget, type Charged, charge, type Ledger, type Refusal, type Spend } from '../../core/privacy/index.ts'

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
 * `privacy.budget-exhausted` when it would pass the client's budget or what its policy `allowed`, or counts privacy in another way than the ledger does.
 */
export async function chargeLedger(
  ledger: PrivacyLedger,
  round: string,
  spend: Spend,
  allowed?: Budget,
): Promise<void> {
  const before = await ledger.read()
  const paid = new Set(before.entries.flatMap(({ keys }) => keys))
  let attempt = 1
  while (paid.has(`${round}#${attempt}`)) attempt++
  const payment = { key: `${round}#${attempt}`, spend }
  if (allowed !== undefined) checked(charge(before, payment, allowed), allowed)
  const after = checked(charge(before, payment, ledger.budget), ledger.budget)
  if (after !== before) await ledger.write(after)
}

function checked(charged: Charged | Refusal, { epsilon, delta }: Budget): Ledger {
  if (charged.kind === 'refused') {
    const why = {
      budget: `with this round it would be ε = ${charged.spent.epsilon.toFixed(3)} at δ = ${delta}, and ${epsilon} is allowed`,
      'key-reused': 'the round was paid for with another noise',
      neighbours: 'the plan counts for other neighbours than what was spent before',
    }[charged.reason]
    throw new ParleyError('privacy.budget-exhausted', `the client’s own privacy ledger does not allow it: ${why}`)
  }
  return charged.ledger
}
