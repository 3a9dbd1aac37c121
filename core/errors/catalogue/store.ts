import { entry } from '../entry.ts'

/** Storage, publication and verification. */
export const storeErrors = {
  'store.corrupt': entry(
    'unverified',
    'stored data does not have the digest or checksum it was stored with',
    'restore the named file from a backup; nothing was changed',
    { close: 1011 },
  ),
  'store.full': entry('unavailable', 'there is no room to store this', 'free disk space; work goes on by itself', {
    http: 507,
    close: 1013,
  }),
  'kernels.memory-full': entry(
    'exhausted',
    'the updates of the round do not fit into the memory of the aggregation kernels',
    'ask fewer clients in a round: memory for two megabytes of each update is needed, of 4 GiB in all',
  ),
  'store.locked': entry(
    'conflict',
    'another coordinator uses this folder',
    'stop it first, or give this one another --home',
  ),
  'store.failed': entry(
    'unavailable',
    'the disk did not do what was asked of it',
    'look at the message and at the health, rights and mount of the disk, then start again',
    { close: 1013 },
  ),
  'store.newer': entry(
    'precondition',
    'the folder was written by a newer version of Parley',
    'start the newer version, or restore a backup from before the upgrade',
  ),
  'object.not-found': entry('absent', 'there is no such object', 'list what exists, then ask again'),
  'verify.failed': entry(
    'unverified',
    'a signature or digest does not verify',
    'do not use the files; download them again and compare the pinned key',
  ),
  'tensors.malformed': entry(
    'invalid',
    'bytes that are not a model file of an accepted form: safetensors, or TF.js layers',
    'export the model again',
  ),
  'tensors.mismatch': entry(
    'invalid',
    'the tensors of a model file are not those of the model of the plan',
    'the message names tensors and shapes; start.rename gives tensors of the file other names',
  ),
} as const
