import { entry } from '../entry.ts'

/** Frames, handshakes and sessions: what ends a connection, and how it is said. */
export const sessionErrors = {
  'session.handshake-timeout': entry(
    'timeout',
    'the peer did not authenticate in time',
    'check the network path and the clock of the peer, then connect again',
    { close: 4408 },
  ),
  'session.idle': entry('timeout', 'nothing was heard from the peer for the idle limit', 'connect again', {
    close: 4408,
  }),
  'session.slow-consumer': entry(
    'exhausted',
    'the peer does not read what is sent to it',
    'connect again over a faster path; transfers go on where they stopped',
    { close: 4429 },
  ),
  'session.too-many': entry('exhausted', 'too many connections', 'wait for the hinted time, then connect again', {
    close: 4429,
  }),
  'session.replaced': entry(
    'conflict',
    'a newer session of the same client took over',
    'run one client process per identity',
    { close: 4409, exit: 5 },
  ),
  'session.protocol': entry(
    'invalid',
    'a frame came that does not belong to this state of the session',
    'both ends must run compatible versions; see docs/protocol.md for the order of frames',
    { close: 1002, exit: 1 },
  ),
  'session.not-authenticated': entry(
    'unauthenticated',
    'a frame other than the handshake came before the peer was authenticated',
    'send Hello and Authenticate first; see docs/protocol.md',
    { close: 4401 },
  ),
  'session.unreachable': entry(
    'unavailable',
    'no carrier reached the coordinator',
    'check the address, the port and any proxy: `parley client doctor` looks at each; the client goes on trying',
  ),
  'session.closed': entry('unavailable', 'the session ended before the answer came', 'connect again'),
  'frame.malformed': entry(
    'invalid',
    'bytes that are not a frame of this protocol',
    'check that both ends speak Parley',
    {
      close: 1002,
      exit: 1,
    },
  ),
  'frame.too-large': entry(
    'oversized',
    'a frame is larger than the limit',
    'send weights and updates in chunks; the limit stands in docs/limits.md',
    { close: 1009 },
  ),
  'version.unsupported': entry(
    'precondition',
    'the two ends have no protocol version in common',
    'upgrade the older end; the message names the versions of both',
    { close: 4426, http: 426 },
  ),
  'server.draining': entry(
    'unavailable',
    'the coordinator is shutting down and takes no new work',
    'connect again after the hinted time',
    { close: 1012 },
  ),
} as const
