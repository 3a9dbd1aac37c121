import type { Envelope } from '../../core/crypto/envelope.ts'
import type { ErrorCode } from '../../core/errors/index.ts'
import type { Digest } from '../store/ports.ts'

/** Work that is offered to a client: a signed round configuration, and the blobs it may fetch for it. */
export type TaskOffer = {
  readonly envelope: Envelope
  readonly blobs: readonly Digest[]
}

/** The way to a connected client. `offer` returns at once; a session that ends meanwhile drops it. */
export interface ClientChannel {
  offer(task: TaskOffer): void
  /** What a step of a masked round needs; like `offer`. */
  step(message: MaskingStep): void
}

/** Canonical JSON for one step of a masked round. */
export type MaskingStep = { readonly run: string; readonly round: number; readonly payload: Uint8Array }

/** What became of an update or an evaluation. */
export type Answer = {
  readonly run: string
  readonly round: number
  readonly kind: 'train' | 'evaluate'
  readonly digest: Uint8Array
} & ({ readonly accepted: true } | { readonly accepted: false; readonly code: ErrorCode; readonly message: string })

/** An admitted upload. Segments come in order; the last one completes it. */
export interface Upload {
  readonly run: string
  /** SHA-256 of the sealed update. */
  readonly digest: Uint8Array
  /** Where the next segment goes; above 0 when an earlier connection got so far. */
  readonly offset: number
  /**
   * Takes the next segment. Resolves with an answer when the update is decided: accepted and durable, or refused.
   * Undefined means: go on.
   */
  segment(offset: number, data: Uint8Array): Promise<Answer | undefined>
  /** The connection ended; what came so far is kept for the next one. */
  release(): Promise<void>
}

/** What sessions ask of the rounds. */
export interface RoundDesk {
  /** The client has a session; it is offered what waits for it. The returned function says that the session ended. */
  connected(client: string, channel: ClientChannel): () => void
  /** Admits an upload, or answers at once: refused, or accepted before. */
  openUpload(client: string, header: Envelope): Promise<{ readonly upload: Upload } | { readonly answer: Answer }>
  evaluation(client: string, report: Envelope): Promise<Answer>
  declined(client: string, decline: Decline): Promise<void>
  /** A client's part of a step of a masked round; dropped where it does not belong there. */
  masking(client: string, answer: MaskingAnswer): Promise<void>
}

export type MaskingAnswer = { readonly run: string; readonly round: number; readonly message: Envelope }

export type Decline = {
  readonly run: string
  readonly round: number
  readonly kind: 'train' | 'evaluate'
  readonly code: ErrorCode
  readonly message: string
}
