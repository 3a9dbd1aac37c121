import { entry } from '../entry.ts'

/** How clients become part of a federation, and cease to be. */
export const enrolmentErrors = {
  'enrolment.code-malformed': entry(
    'invalid',
    'what was given is not the code of an invitation',
    'copy the whole code, which begins with parley1-; ask the operator for a new one if it was cut',
  ),
  'enrolment.code-refused': entry(
    'forbidden',
    'the invitation is unknown, used, withdrawn, or its time is over',
    'ask the operator for a new invitation: `parley invite NAME`',
  ),
  'enrolment.request-invalid': entry(
    'invalid',
    'the request to be enrolled, or for a certificate, is not well formed or not signed by its own key',
    'use `parley client join`; both ends must run compatible versions',
  ),
  'enrolment.authority-mismatch': entry(
    'unverified',
    'the authority of the coordinator is not the one of the invitation',
    'somebody may be between you and the coordinator: compare fingerprints with the operator over another channel',
  ),
  'enrolment.fingerprint-mismatch': entry(
    'conflict',
    'the fingerprint is not that of the key that waits for approval',
    'compare it with what `parley client join` printed at the client; refuse the request if they differ',
  ),
  'enrolment.state': entry(
    'conflict',
    'the client is not in a state in which this can be done',
    'see where it stands with `parley client list`',
  ),
  'enrolment.too-often': entry('exhausted', 'too many requests to be enrolled came', 'wait a minute'),
  'auth.suspended': entry(
    'forbidden',
    'the client is suspended',
    'ask the operator; `parley client resume NAME` lets it in again',
    { close: 4403 },
  ),
  'auth.revoked': entry(
    'forbidden',
    'the client was revoked, for ever',
    'ask the operator for an invitation under a new name, and make a new key',
    { close: 4403 },
  ),
  'auth.certificate-expired': entry(
    'forbidden',
    'the certificate of the client has ended',
    'it renews by itself while the client runs; ask the operator for `parley client approve NAME`, which lets it renew once more',
    { close: 4403 },
  ),
} as const
