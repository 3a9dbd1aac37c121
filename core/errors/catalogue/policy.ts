import { entry } from '../entry.ts'

/** Why the policy of a client's own allows nothing. */
export const policyErrors = {
  'policy.absent': entry(
    'absent',
    'this client has no policy, and so allows nothing',
    'write one: `parley client policy init`, then `parley client policy sign`',
  ),
  'policy.unreadable': entry('invalid', 'the policy is not readable YAML', 'mend the line that the message names'),
  'policy.invalid': entry(
    'invalid',
    'the policy does not have the form of a policy',
    'mend the field that the message names; docs/client-policy.md has a table of all fields',
  ),
  'policy.unsigned': entry(
    'unverified',
    'the policy is not signed, or was changed since',
    'have the site’s key sign it: `parley client policy sign`',
  ),
  'policy.untrusted': entry(
    'unverified',
    'the signature is not by a key that this client trusts',
    'sign with the site’s key, or pin its public key: `parley client policy trust`',
  ),
} as const
