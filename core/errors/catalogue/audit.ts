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
  'audit.locked': entry(
    'conflict',
    'another process writes this audit log',
    'stop it first, or read the log without it: `parley audit` works beside it',
  ),
} as const
