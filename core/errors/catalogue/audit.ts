import { entry } from '../entry.ts'

/** The audit log. */
export const auditErrors = {
  'audit.unavailable': entry(
    'unavailable',
    'the audit log cannot be written: what was asked for is not done without its record',
    'look at the room and the health of the disk, then start the program again',
    { close: 1013 },
  ),
  'audit.corrupt': entry(
    'unverified',
    'the audit log or its checkpoints are not what was written',
    'keep the files as they are, compare them with a copy or with checkpoints that others kept; the message names file and line',
    { close: 1011 },
  ),
  'audit.fork': entry(
    'unverified',
    'the coordinator’s audit log does not go on from what this client has seen of it: there are two histories, or an older one',
    'ask its operator, by another channel, whether a backup was put back; keep the checkpoints that you have',
    { close: 1011 },
  ),
  'evidence.invalid': entry(
    'unverified',
    'this is not a bundle of evidence as a coordinator writes one: something in it is missing, cut, too large or does not belong there',
    'get the bundle anew and trust nothing in this one; the message names the place',
  ),
  'evidence.mismatch': entry(
    'unverified',
    'the audit log and the versions or aliases of a bundle do not say the same',
    'keep the bundle and ask the coordinator’s operator; the message names version, alias or record',
  ),
  'evidence.unpinned': entry(
    'precondition',
    'all in the bundle fits together by the keys of the bundle itself, which vouch for nothing',
    'get the public audit key over another channel, and pass it with `--key`',
  ),
  'audit.locked': entry(
    'conflict',
    'another process writes this audit log',
    'stop it first, or read the log without it: `parley audit` works beside it',
  ),
} as const
