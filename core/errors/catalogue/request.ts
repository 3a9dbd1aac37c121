import { entry } from '../entry.ts'

/** Command line, configuration and HTTP requests, and the last resort. */
export const requestErrors = {
  'request.invalid': entry(
    'invalid',
    'an argument or a request body is not valid',
    'mend what the message names; --help shows the form',
  ),
  'request.too-large': entry('oversized', 'a request body is larger than the limit', 'send less at once', { exit: 2 }),
  'request.range': entry(
    'invalid',
    'the range that was asked for lies beyond the end',
    'ask for the length first, with HEAD',
    { http: 416 },
  ),
  'config.invalid': entry('invalid', 'a configuration value is not valid', 'mend the value that the message names'),
  'config.insecure': entry(
    'invalid',
    'clear text beyond the loopback interface is refused',
    'configure TLS, or write out --allow-clear-text-beyond-loopback if you accept that',
  ),
  'config.secret-in-clear': entry(
    'invalid',
    'a secret stands where only the name of its file may stand',
    'put it into a file that only its owner can read (0600), name the file, and replace the secret: it was seen',
  ),
  'coordinator.unreachable': entry(
    'unavailable',
    'the coordinator does not answer',
    'start it with `parley coordinator`, or pass its address with --url',
  ),
  interrupted: entry('unavailable', 'the work was interrupted', 'start it again'),
  internal: entry('defect', 'a defect in Parley', 'report it with the log of the process', { close: 1011 }),
} as const
