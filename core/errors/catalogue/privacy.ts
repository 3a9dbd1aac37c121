import { entry } from '../entry.ts'

/** Masking and differential privacy. */
export const privacyErrors = {
  'masking.refused': entry(
    'forbidden',
    'the client left a masked round: what it was shown could have uncovered its update',
    'the message names the reason; a client’s list of peers and its limits are its own: see `parley client start`',
  ),
  'masking.failed': entry(
    'precondition',
    'a masked round ended without a sum: too few clients were left in one of its steps, or their sums did not fit',
    'look at which clients were missing; raise privacy.threshold.dropout or window.count.max',
  ),
  'privacy.budget-exhausted': entry(
    'forbidden',
    'the round would spend more privacy than its budget has left',
    'the run ends with what it has; a new plan needs more noise or a larger budget, a client its own consent',
  ),
} as const
