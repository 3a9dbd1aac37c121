import { entry } from '../entry.ts'

/** What a client node finds wrong on its own machine: data, engine, trust. */
export const clientErrors = {
  'data.not-found': entry('absent', 'a data file is missing', 'check the path in the client configuration'),
  'data.schema': entry(
    'invalid',
    'the data does not have the columns or types of the plan',
    'mend the column that the message names, or the data schema of the plan',
  ),
  'data.too-few-rows': entry(
    'invalid',
    'too few usable rows for a training and a held-out split',
    'the message counts usable and bad rows; give more data',
  ),
  'data.malformed': entry(
    'invalid',
    'a data file is not in the format that the plan names',
    'check that the file is complete',
  ),
  'data.download-failed': entry(
    'unavailable',
    'the data set could not be downloaded',
    'check the network, or fetch the files by hand into the folder; the message names them',
  ),
  'data.digest-mismatch': entry(
    'unverified',
    'a downloaded file does not have the expected SHA-256',
    'the source changed or the download was cut; nothing was kept',
  ),
  'engine.unavailable': entry(
    'precondition',
    'no fast training engine could be loaded',
    'install @tensorflow/tfjs-node, or a platform with WebAssembly SIMD; the slow engine must be asked for by name',
  ),
  'engine.model-unsupported': entry(
    'invalid',
    'the engine cannot build or train the model of the plan',
    'the message names the layer',
  ),
  'engine.memory-exceeded': entry(
    'precondition',
    'training would take more memory than there is',
    'the message says how much; lower the batch or the model, or train on a larger machine',
  ),
  'engine.diverged': entry(
    'precondition',
    'the training loss became NaN or infinite',
    'lower the learning rate or check the data; nothing was sent',
  ),
  'node.not-ready': entry(
    'precondition',
    'something that a client needs is missing or wrong on its machine or on the way to its coordinator',
    'each line of `parley client doctor` that failed says what to do; then run it again',
  ),
  'node.untrusted-coordinator': entry(
    'forbidden',
    'the coordinator did not prove the identity that is pinned on this client',
    'compare the fingerprint with the operator over another channel before changing the pin',
  ),
  'node.plan-refused': entry('forbidden', 'the client does not accept this plan', 'the message names the reason'),
  'node.plan-held': entry(
    'precondition',
    'the client takes no part until a person at its site has looked at the plan',
    'wait for the site: `parley client review` lists there what waits; an approved client takes part from the next round on',
  ),
  'node.model-mismatch': entry(
    'unverified',
    'the weights that arrived do not have the digest of the signed round configuration',
    'nothing was trained; the next round starts with a new download',
  ),
  'node.rollback-refused': entry(
    'forbidden',
    'the coordinator went back to a round that this client has already done',
    'compare the journals of both sides',
  ),
} as const
