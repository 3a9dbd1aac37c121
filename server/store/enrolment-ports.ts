import type { EnrolmentChange, EnrolmentState } from '../../core/enrolment/client-view.ts'

export type { EnrolmentChange, EnrolmentState, EnrolmentStep } from '../../core/enrolment/client-view.ts'

/** One client of the federation, as it is stored. Times are RFC 3339 in UTC with milliseconds. */
export type EnrolmentRecord = {
  readonly client: string
  readonly state: EnrolmentState
  /** For people; the id stays. */
  readonly label: string
  /** Since when it is in this state, who brought it there, and why. */
  readonly since: string
  readonly actor: string
  readonly reason: string
  /** Ed25519 key, lower-case hex; absent before it has asked. */
  readonly publicKey?: string
  readonly invitation?: {
    /** SHA-256 of the secret of its code. */
    readonly secretHash: string
    readonly expiresAt: string
  }
  /** The request for a certificate, base64 of its DER; kept until it is approved. */
  readonly csr?: string
  readonly certificate?: {
    readonly pem: string
    readonly serial: string
    readonly notAfter: string
  }
  /** Until when a certificate that has ended may be renewed all the same, because somebody said so. */
  readonly renewableUntil?: string
}

/** Where they are kept. What resolves is durable. */
export interface EnrolmentRecords {
  enrolments(): Promise<readonly EnrolmentRecord[]>
  /**
   * Puts the record in the place of the one of the same client, and what was done beside those that were done before, both or neither.
   * Fails with `run.conflict` where another client has its key.
   */
  saveEnrolment(record: EnrolmentRecord, change: EnrolmentChange): Promise<void>
  /** What was done to the enrolment of a client, the newest first, at most `limit`. */
  enrolmentChanges(client: string, limit: number): Promise<readonly EnrolmentChange[]>
}
