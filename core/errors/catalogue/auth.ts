import { entry } from '../entry.ts'

/** Who somebody is, and what they may: identities of clients, members, tokens, sessions of browsers. */
export const authErrors = {
  'auth.failed': entry(
    'unauthenticated',
    'it is not known who asks, or the proof of it is wrong or has ended',
    'people: log in again, or pass --home or --token-file; clients: have the operator add the key that `parley identity` prints',
    { close: 4401 },
  ),
  'auth.bad-signature': entry(
    'unauthenticated',
    'a signature does not verify under the key that it names',
    'check that the key file belongs to this identity',
    { close: 4401 },
  ),
  'auth.identity-mismatch': entry(
    'forbidden',
    'a message or request names somebody else than who is authenticated',
    'each client signs, and each member acts, for itself only',
    { close: 4403 },
  ),
  'auth.forbidden': entry(
    'forbidden',
    'whoever asks has no role, or the token no scope, that allows this',
    'ask an admin for the role that docs/members.md names for it, or use a token with its scope',
    { close: 4403 },
  ),
  'auth.origin': entry(
    'forbidden',
    'a browser sends this from a page of another origin, or without saying of which',
    'send it from a page of the coordinator, with the header `x-parley-request: 1`',
  ),
  'auth.second-factor': entry(
    'forbidden',
    'the password is to be changed, or a second factor to be set up, before anything else',
    'run `parley member setup`',
  ),
  'auth.too-often': entry(
    'exhausted',
    'too many failed logins, of this member or from this address',
    'wait for the hinted time, then try again',
  ),
  'auth.password-weak': entry(
    'invalid',
    'the new password is too short, too long, or the name of the member',
    'take at least 12 characters; length is what counts, not signs and digits',
  ),
  'member.name-taken': entry('conflict', 'another member has this name', 'choose another name'),
  'four-eyes.same-person': entry(
    'forbidden',
    'who asked for this, or gains by it, cannot also confirm it',
    'let another member look at it: `parley request list`, then `parley request confirm`',
  ),
  'four-eyes.over': entry(
    'conflict',
    'the request was decided, or has expired',
    '`parley request list` shows what became of it; ask again where it is still needed',
  ),
} as const
