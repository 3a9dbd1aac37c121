import { entry } from '../entry.ts'

/** Why an update, an upload or an evaluation was not taken. Each is an answer (a receipt), not the end of a session. */
export const updateErrors = {
  'update.stale': entry(
    'refused',
    'the update is for another round or was trained from other weights',
    'train again from the weights of the open round',
  ),
  'update.late': entry(
    'refused',
    'the window of the round closed before the update was complete',
    'wait for the next round',
  ),
  'update.duplicate': entry(
    'refused',
    'another update of this client was already accepted in this round',
    'one update a round; the first one counts',
  ),
  'update.not-selected': entry('refused', 'the client is not in the cohort of this round', 'wait to be selected'),
  'update.layout-mismatch': entry(
    'refused',
    'the update does not have the tensor layout of the round',
    'train the model of the plan; shapes are never broadcast',
  ),
  'update.digest-mismatch': entry(
    'refused',
    'the bytes do not have the digest that was signed for them',
    'send the upload again from its beginning',
  ),
  'update.seal-invalid': entry(
    'refused',
    'a segment does not open under the key agreed for this update',
    'seal for the round key of the signed configuration',
  ),
  'update.not-finite': entry(
    'refused',
    'the update holds NaN or an infinite value',
    'training diverged; lower the learning rate or check the data',
  ),
  'update.norm-limit': entry(
    'refused',
    'the Euclidean norm of the update is above the limit of the plan',
    'lower the learning rate or the number of steps, or raise aggregation.screens.maxNorm',
  ),
  'update.frozen-moved': entry(
    'refused',
    'the update moves a tensor that the plan freezes',
    'train with training.freeze of the plan: the update of a frozen tensor is exactly zero',
  ),
  'update.privacy-mismatch': entry(
    'refused',
    'the update does not say what it cost its rows as the plan asks for, or says it of a plan that hides none',
    'train with privacy.records of the plan, and tell ε at its delta; use the same version of the program at both ends',
  ),
  'update.weight-limit': entry(
    'refused',
    'the declared sample weight is not a number within the limits of the plan',
    'a sample weight is the number of training rows, above 0 and at most aggregation.screens.maxSampleWeight',
  ),
  'update.too-many-refused': entry(
    'refused',
    'the client had too many updates refused in this round',
    'look at the earlier refusals; the client takes part again from the next round',
  ),
  'upload.chunk-invalid': entry(
    'refused',
    'a chunk has another offset or length than the upload calls for',
    'send the chunks in order from the offset in UploadReady',
  ),
  'upload.length-invalid': entry(
    'refused',
    'the promised length is not the length of a sealed update of this layout',
    'the length follows from the layout; it is refused before a byte is stored',
  ),
  'evaluation.invalid': entry(
    'refused',
    'an evaluation report is inconsistent: negative or fractional counts, or counts beyond the declared rows',
    'report additive counts over the held-out rows',
  ),
  'client.training-failed': entry(
    'refused',
    'the client could not train or evaluate',
    'read the log of the client; the message carries its reason',
  ),
} as const
