import { entry } from '../entry.ts'

/** Copies of a coordinator's folder, and what is made of them. */
export const backupErrors = {
  'backup.damaged': entry(
    'unverified',
    'a backup is not what was written: cut short, edited, or signed by another key',
    'take another copy of it; nothing was restored from this one',
  ),
  'backup.newer': entry(
    'precondition',
    'the backup was made by a newer version of Parley',
    'restore it with that version or a later one',
  ),
  'backup.keys-missing': entry(
    'precondition',
    'a folder without its keys would be another coordinator',
    'give --keys-passphrase-file where the backup has them sealed, or --keys with the folder that they were kept in',
  ),
  'backup.keys-wrong': entry(
    'precondition',
    'the keys or the passphrase do not belong to this backup',
    'look for those of the coordinator and the time that the message names',
  ),
  'backup.moving': entry(
    'unavailable',
    'rounds went on faster than they could be copied',
    'make the backup again while no round is open',
  ),
} as const
