import { entry } from '../entry.ts'

/** Versions after their publication: aliases, approvals, withdrawals. */
export const releaseErrors = {
  'alias.conflict': entry(
    'conflict',
    'the alias was moved by somebody else meanwhile',
    '`parley model log` shows who moved it; look at the new state, then decide again',
  ),
  'version.withdrawn': entry(
    'precondition',
    'the version was withdrawn: no alias may point at it',
    '`parley model show` tells why; choose another version',
  ),
  'version.tags-full': entry(
    'refused',
    'the version has as many tags as a version may have',
    'take one away: `parley model untag`',
  ),
  'approval.missing': entry(
    'precondition',
    'the version lacks the approvals that the coordinator asks for',
    'let other members approve it: `parley model approve`',
  ),
  'approval.invalid': entry(
    'forbidden',
    'the approval is not by a listed member, or not of this version',
    'approve with the key that the coordinator lists for you',
  ),
  'outcomes.unlisted': entry(
    'forbidden',
    'the consumer is not on the coordinator’s list of consumers',
    'ask whoever runs the coordinator to list your id and key (`--consumers`)',
  ),
  'outcomes.invalid': entry(
    'invalid',
    'the report of outcomes is not signed by its consumer, or not of the form that reports have',
    'sign canonical JSON of the documented form with the key that is listed for you',
  ),
  'outcomes.no-rollout': entry(
    'precondition',
    'no alias of the model is in this rollout',
    'drop the report: the rollout is over, or was replaced; the alias record names the present one',
  ),
  'outcomes.other-side': entry(
    'forbidden',
    'the report has counts of a version that this consumer does not get',
    'follow the alias, and report what it answers; drop what was counted of the other version',
  ),
  'outcomes.replayed': entry(
    'conflict',
    'this report, or a later one of the same consumer, was taken before',
    'go on with the next number; what was taken counts once',
  ),
  'outcomes.gap': entry(
    'conflict',
    'a report before this one is missing',
    'send the reports in their order, from the number in the message',
  ),
  'outcomes.too-often': entry(
    'exhausted',
    'the consumer reports more often than the coordinator takes',
    'add up counts and report less often, once in some minutes',
  ),
} as const
