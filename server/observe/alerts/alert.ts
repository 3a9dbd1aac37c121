export type Severity = 'warning' | 'critical'

/** Every alert that a coordinator can raise, by its stable name. The hint says what to do. */
export const alertTable = {
  'round-no-quorum': {
    what: 'A round got too few updates, or too few clients are connected to open one.',
    hint: 'See `parley round show` for who was missing, and whether their nodes are connected; widen the window of the next plan.',
  },
  'round-stragglers': {
    what: 'Of many members of a cohort nothing came.',
    hint: 'Look at the nodes that `parley round show` lists without an update: their load, their network, their log.',
  },
  'updates-refused': {
    what: 'Many updates of a round were refused.',
    hint: 'The codes in `parley round show` say why; docs/errors.md says what to do about each.',
  },
  'gates-failed': {
    what: 'The result of a run did not pass its gates and was not published.',
    hint: 'See the verdicts in `parley run status`; the candidate is kept.',
  },
  'run-failed': {
    what: 'A run ended without a result.',
    hint: 'See `parley run status` for the code, and docs/errors.md for what to do about it.',
  },
  'norm-drift': {
    what: 'Updates are much larger than those of earlier rounds of the run.',
    hint: 'See the norms in `parley round show`: one client may have other data or units than before, or training diverges.',
  },
  'privacy-budget': {
    what: 'Most of the budget of ε is spent.',
    hint: 'The run ends before the budget is passed; plan what comes after it.',
  },
  'certificate-ends': {
    what: 'A certificate of the coordinator ends soon.',
    hint: 'Renew it and start the coordinator with the new one: clients refuse a certificate that is over.',
  },
  'disk-low': {
    what: 'Little room is left on the disk of the store.',
    hint: 'Free some, or remove what nothing needs with `parley model gc`; a full disk stops rounds.',
  },
  'audit-failing': {
    what: 'A record of the audit log could not be written.',
    hint: 'What cannot be recorded is not done: mend the disk that holds the log, then start the coordinator again.',
  },
  'store-failing': {
    what: 'The journal or the store could not be written, or is damaged.',
    hint: 'The error in the log of the process says what failed; rounds go on once it is mended and the coordinator is started again.',
  },
  'rollout-rolled-back': {
    what: 'A new version was taken back while it was rolled out.',
    hint: 'See `parley model rollout` and `parley model log` for the reason; the earlier version is in use.',
  },
} as const

export type AlertName = keyof typeof alertTable
export const alertNames = Object.keys(alertTable) as AlertName[]

/** What an alert is about: one of each name and subject fires at a time. */
export type Subject = {
  readonly kind: 'run' | 'certificate' | 'alias' | 'coordinator'
  readonly id: string
}

/** Something that is so now. */
export type Condition = {
  readonly alert: AlertName
  readonly severity: Severity
  readonly subject: Subject
  /** One sentence with figures. */
  readonly summary: string
}

export type Alert = Condition & {
  readonly hint: string
  /** UTC, RFC 3339 with milliseconds. */
  readonly since: string
  readonly resolvedAt?: string
}

/** What sinks send. */
export type Notice = Alert & {
  /** The same for every attempt to send it, and for no other notice. */
  readonly id: string
  readonly state: 'firing' | 'resolved'
}

export type AlertsView = {
  /** The oldest first. */
  readonly firing: readonly Alert[]
  /** Alerts that are over, the newest first. */
  readonly recent: readonly Alert[]
}
