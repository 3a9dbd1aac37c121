import type { Clock } from '../../core/clock.ts'
import { equalBytes } from '../../core/encoding/bytes.ts'
import { isErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Connection } from '../../core/wire/connection.ts'
import { envelopeOf } from '../../core/wire/envelope-field.ts'
import type { Frame, FrameOf } from '../../core/wire/frame.ts'
import type { Limits } from '../../core/wire/limits.ts'
import { Link } from '../../core/wire/link.ts'
import { assertNever } from '../rounds/assert-never.ts'
import type { Answer, MaskingStep, RoundDesk, TaskOffer, Upload } from '../rounds/desk.ts'
import type { BlobStore } from '../store/ports.ts'
import type { ChunkFrames } from './chunk-frames.ts'
import { Downloads } from './downloads.ts'
import { acceptHandshake, type HandshakeDeps, type Peer } from './handshake.ts'

export type SessionDeps = HandshakeDeps & {
  readonly clock: Clock
  readonly limits: Limits
  readonly desk: RoundDesk
  readonly blobs: Pick<BlobStore, 'size'>
  readonly frames: ChunkFrames
}

// Segments that were under way when their upload was refused still arrive; more than these are no accident.
const MAX_STRAY_CHUNKS = 256

/** What this coordinator can do beyond the base protocol. */
export const capabilities = ['mode:sealed', 'mode:masked']

/** One client's session, from the authenticated connection to its end. */
export class Session {
  readonly client: string
  readonly agent: string
  readonly #deps: SessionDeps
  readonly #link: Link
  readonly #downloads: Downloads
  #upload: Upload | undefined
  #strayChunks = 0

  private constructor(deps: SessionDeps, link: Link, { client, agent }: Peer) {
    this.client = client
    this.agent = agent
    this.#deps = deps
    this.#link = link
    this.#downloads = new Downloads(link, deps.blobs, deps.frames)
  }

  /** Authenticates a connection. Rejects with the reason, which the peer was told, when it is not to be. */
  static async open(deps: SessionDeps, connection: Connection): Promise<Session> {
    const { clock, limits } = deps
    const link = new Link(connection, { clock, idleMs: limits.idleMs, stallMs: limits.stallMs })
    const cancel = clock.after(limits.handshakeMs, () => link.fail(new ParleyError('session.handshake-timeout')))
    try {
      const peer = await acceptHandshake(deps, link)
      connection.authenticated?.()
      link.startHeartbeats(limits.idleMs)
      return new Session(deps, link, peer)
    } catch (failure) {
      const error = ParleyError.from(failure)
      link.fail(error)
      throw error
    } finally {
      cancel()
    }
  }

  get carrier() {
    return this.#link.carrier
  }

  /** Serves the client until the session ends; never rejects. Returns why it ended, or undefined for a clean end. */
  async serve(): Promise<ParleyError | undefined> {
    const leave = this.#deps.desk.connected(this.client, {
      offer: (task) => this.#offer(task),
      step: (message) => this.#step(message),
    })
    try {
      for (;;) {
        const frame = await this.#link.read()
        if (frame === undefined) return undefined
        await this.#take(frame)
      }
    } catch (failure) {
      const error = ParleyError.from(failure)
      this.#link.fail(error)
      return error
    } finally {
      leave()
      await this.#upload?.release().catch(() => {})
    }
  }

  end(reason: ParleyError, retryAfterMs = 0): void {
    this.#link.fail(reason, retryAfterMs)
  }

  #offer({ envelope, blobs }: TaskOffer): void {
    this.#downloads.grant(blobs)
    // A session that is gone drops the offer; the next one of this client gets it again.
    this.#link.send({ type: 'task', configuration: envelope }).catch(() => {})
  }

  #step(message: MaskingStep): void {
    // A session that is gone drops it, as it does offers.
    this.#link.send({ type: 'maskingStep', ...message }).catch(() => {})
  }

  async #take(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'blobRequest':
        return this.#downloads.request(frame)
      case 'uploadOpen':
        return this.#openUpload(frame)
      case 'uploadChunk':
        return this.#takeChunk(frame)
      case 'evaluation':
        return this.#answer(await this.#deps.desk.evaluation(this.client, envelopeOf(frame.report)))
      case 'decline':
        return this.#decline(frame)
      case 'maskingAnswer': {
        const { run, round, message } = frame
        return this.#deps.desk.masking(this.client, { run, round, message: envelopeOf(message) })
      }
      case 'heartbeat':
        return
      case 'hello':
      case 'challenge':
      case 'authenticate':
      case 'welcome':
      case 'close':
      case 'task':
      case 'blobChunk':
      case 'blobAbsent':
      case 'uploadReady':
      case 'receipt':
      case 'maskingStep':
        throw new ParleyError('session.protocol', `a ${frame.type} came from a client in an open session`)
      default:
        return assertNever(frame)
    }
  }

  async #openUpload({ header }: FrameOf<'uploadOpen'>): Promise<void> {
    await this.#upload?.release()
    this.#upload = undefined
    const opened = await this.#deps.desk.openUpload(this.client, envelopeOf(header))
    if ('answer' in opened) return this.#answer(opened.answer)
    this.#upload = opened.upload
    const { digest, offset } = opened.upload
    await this.#link.send({ type: 'uploadReady', digest, offset })
  }

  async #takeChunk({ digest, offset, data }: FrameOf<'uploadChunk'>): Promise<void> {
    const upload = this.#upload
    if (upload === undefined || !equalBytes(upload.digest, digest)) {
      if (++this.#strayChunks > MAX_STRAY_CHUNKS)
        throw new ParleyError('session.protocol', 'chunks came without an upload')
      return
    }
    const answer = await upload.segment(offset, data)
    if (answer === undefined) return
    this.#upload = undefined
    this.#strayChunks = 0
    await this.#answer(answer)
  }

  async #decline({ run, round, kind, code, message }: FrameOf<'decline'>): Promise<void> {
    if (kind !== 'train' && kind !== 'evaluate')
      throw new ParleyError('frame.malformed', 'a decline of an unknown kind')
    await this.#deps.desk.declined(this.client, {
      run,
      round,
      kind,
      code: isErrorCode(code) ? code : 'client.training-failed',
      message: message.slice(0, 500),
    })
  }

  #answer(answer: Answer): Promise<void> {
    const { run, round, kind, digest, accepted } = answer
    const reason = answer.accepted ? { code: '', message: '' } : { code: answer.code, message: answer.message }
    return this.#link.send({ type: 'receipt', run, round, kind, digest, accepted, ...reason })
  }
}
