import { ParleyError } from '../../core/errors/index.ts'
import {
  type Budget,
  type Charged,
  charge,
  emptyLedger,
  type Ledger,
  partOf,
  type Refusal,
  type Spend,
} from '../../core/privacy/index.ts'

/** What a client has spent over all plans and coordinators, kept by the client itself. */
export interface PrivacyLedger {
  /** The client's own limit over its life, whatever plans allow themselves. */
  readonly budget: Budget
  read(): Promise<Ledger>
  /** Resolves when the ledger is durable. */
  write(ledger: Ledger): Promise<void>
}

/** A ledger that ends with the process: for clients whose whole life is within one, as those of a simulation. */
export function memoryLedger(budget: Budget): PrivacyLedger {
  let ledger = emptyLedger
  return {
    budget,
    read: async () => ledger,
    write: async (next) => {
      ledger = next
    },
  }
}

export type ChargeLimits = {
  /** What the client's policy allows over its life. */
  readonly allowed?: Budget | undefined
  /** What the plan allows the rounds of one run, whose keys begin with `run/`. */
  readonly ofRun?: { readonly run: string; readonly budget: Budget } | undefined
}

/**
 * Pays for a round before anything of it is done, and resolves with the ledger that has it. A client that begins a round again, after
 * a restart, makes new noise for the same data and pays again: it cannot know what was seen of the first. Throws
 * `privacy.budget-exhausted` when it would pass the client's budget or a limit, or counts privacy in another way than the ledger does.
 */
export async function chargeLedger(
  ledger: PrivacyLedger,
  round: string,
  spend: Spend,
  { allowed, ofRun }: ChargeLimits = {},
): Promise<Ledger> {
  const before = await ledger.read()
  const paid = new Set(before.entries.flatMap(({ keys }) => keys))
  let attempt = 1
  while (paid.has(`${round}#${attempt}`)) attempt++
  const payment = { key: `${round}#${attempt}`, spend }
  if (ofRun !== undefined) {
    const { run, budget } = ofRun
    checked(charge(runPart(before, run), payment, budget), budget, 'the plan')
  }
  if (allowed !== undefined) checked(charge(before, payment, allowed), allowed, OWN)
  const after = checked(charge(before, payment, ledger.budget), ledger.budget, OWN)
  if (after !== before) await ledger.write(after)
  return after
}

/** What of a ledger one run has spent. */
export function runPart(ledger: Ledger, run: string): Ledger {
  return partOf(ledger, (key) => key.startsWith(`${run}/`))
}

const OWN = 'the client’s own privacy ledger'

function checked(charged: Charged | Refusal, { epsilon, delta }: Budget, who: string): Ledger {
  if (charged.kind === 'refused') {
    const why = {
      budget: `with this round it would be ε = ${charged.spent.epsilon.toFixed(3)} at δ = ${delta}, and ${epsilon} is allowed`,
      'key-reused': 'the round was paid for with another noise',
      neighbours: 'the plan counts for other neighbours than what was spent before',
    }[charged.reason]
    throw new ParleyError('privacy.budget-exhausted', `${who} does not allow it: ${why}`)
  }
  return charged.ledger
}
