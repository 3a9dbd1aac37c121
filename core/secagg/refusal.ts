/** Why a client leaves a session. Nothing that it would reveal by going on has been sent when it says so. */
const texts = {
  malformed: 'the message does not have the form of this step, or is too large',
  'wrong-phase': 'the message does not belong to the step that this client is in',
  'wrong-session': 'the message belongs to another session or configuration',
  'bad-signature': 'a signature does not verify',
  'wrong-task': 'the session is for another task or has another number of coordinates than this client trains',
  'old-round': 'the round is not newer than the last one this client answered',
  'wrong-model': 'the weights are not those that this client holds: its masks would not cancel',
  'policy-cohort': 'the policy of this client asks for more clients in a sum',
  'policy-threat': 'the policy of this client asks for a stronger assumption about the coordinator',
  'policy-encoding': 'the policy of this client does not accept this encoding',
  'policy-graph': 'the graph or the threshold is not what this client computes',
  'policy-buckets': 'the policy of this client asks for larger buckets',
  'roster-order': 'the roster is not sorted, or holds a client twice',
  'own-row': 'the own row of the roster is missing or was changed',
  'repeated-key': 'two keys or commitments of the roster are equal',
  'weak-key': 'a public key has a small order',
  'known-identity': 'a known client appears with another identity key',
  'too-few-known': 'too few known identities take part',
  'too-few-clients': 'too few clients take part',
  'coin-mismatch': 'a coin is not the one that was committed to',
  'beacon-mismatch': 'the value of the beacon is missing or is not what this client read',
  'not-a-member': 'this client is not among the members, or members are unknown',
  'sealed-share': 'a share does not open: it was not sealed by this sender for this client in this session',
  'not-a-survivor': 'this client is not among the survivors although it sent its input',
  'wrong-survivors': 'the survivors are not a sorted subset of the members',
  'too-few-survivors': 'too few clients are left in a sum',
  'too-few-confirmations': 'too few share holders confirmed the survivors that this client was shown',
  'already-answered': 'this session was answered once; a second answer could reveal an update',
} as const

export type RefusalReason = keyof typeof texts

export type Refusal = {
  readonly reason: RefusalReason
  /** The reason in words, and what it was in this case. Holds no secrets. */
  readonly text: string
  /** The client whose message was at fault, where it is known. */
  readonly client?: string
}

export function refuse(reason: RefusalReason, detail?: string, client?: string): Refusal {
  const text = detail === undefined ? texts[reason] : `${texts[reason]}: ${detail}`
  return client === undefined ? { reason, text } : { reason, text, client }
}
