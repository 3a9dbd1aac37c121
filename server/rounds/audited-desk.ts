import type { AuditSink } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import type { Envelope } from '../../core/crypto/envelope.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Answer, RoundDesk, Upload } from './desk.ts'

/**
 * A desk whose answers leave when everything that led to them is in the audit log: what a client is told of its update cannot
 * be missing there. Records what clients decline, their evaluations, and what is refused before it is known what it is of.
 */
export function auditedDesk(desk: RoundDesk, audit: AuditSink, now: () => number): RoundDesk {
  const throttle = new Throttle()
  const recorded = async <Answer>(answer: Answer): Promise<Answer> => {
    await audit.settled()
    return answer
  }
  /** By client: what it sends again is accepted again, and has its record. */
  const evaluated = new Map<string, string>()

  async function recordEvaluation(client: string, answer: Answer, bytes: number): Promise<void> {
    const sha256 = toHex(answer.digest)
    const actor = { kind: 'client', id: client } as const
    const object = { kind: 'round', id: `${answer.run}/${answer.round}` }
    if (answer.accepted) {
      if (evaluated.get(client) === sha256) return
      evaluated.set(client, sha256)
      await audit.append({ action: 'evaluation.accept', actor, object, details: { sha256, bytes } })
      return
    }
    const more = throttle.take(client, now())
    if (more === undefined) return
    const { code, message } = answer
    const details = { sha256, message, leftOut: leftOut(more) }
    await audit.append({ action: 'evaluation.refuse', actor, object, outcome: 'denied', code, details })
  }

  /** What ends the session instead of being answered: a wrong signature, a payload without form. */
  async function refusing<Result>(
    action: 'update.refuse' | 'evaluation.refuse',
    client: string,
    { payload }: Envelope,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work()
    } catch (failure) {
      const { code, message } = ParleyError.from(failure)
      const more = ownFaults.has(code) ? undefined : throttle.take(client, now())
      if (more !== undefined) {
        const who = { kind: 'client', id: client } as const
        const details = { message, bytes: payload.length, leftOut: leftOut(more) }
        await audit.append({ action, actor: who, object: who, outcome: 'denied', code, details })
      }
      throw failure
    }
  }

  return {
    connected: (client, channel) => desk.connected(client, channel),
    async openUpload(client, header) {
      const opened = await refusing('update.refuse', client, header, () => desk.openUpload(client, header))
      return 'answer' in opened ? recorded(opened) : { upload: auditedUpload(opened.upload, recorded) }
    },
    async evaluation(client, report) {
      const answer = await refusing('evaluation.refuse', client, report, () => desk.evaluation(client, report))
      await recordEvaluation(client, answer, report.payload.length)
      return recorded(answer)
    },
    async declined(client, decline) {
      const { run, round, kind, code, message } = decline
      await desk.declined(client, decline)
      const more = throttle.take(client, now())
      if (more === undefined) return
      await audit.append({
        action: 'task.decline',
        actor: { kind: 'client', id: client },
        object: { kind: 'round', id: `${run}/${round}` },
        outcome: 'failed',
        code,
        details: { task: kind, message, leftOut: leftOut(more) },
      })
    },
    masking: (client, answer) => desk.masking(client, answer),
  }
}

/** What is the coordinator’s own trouble is no refusal of the client. */
const ownFaults: ReadonlySet<ErrorCode> = new Set([
  'internal',
  'server.draining',
  'audit.unavailable',
  'store.full',
  'store.corrupt',
  'store.failed',
])

function leftOut(more: number): number | undefined {
  return more === 0 ? undefined : more
}

function auditedUpload(upload: Upload, recorded: <Answer>(answer: Answer) => Promise<Answer>): Upload {
  return {
    run: upload.run,
    digest: upload.digest,
    get offset() {
      return upload.offset
    },
    async segment(offset, data) {
      const answer = await upload.segment(offset, data)
      return answer === undefined ? undefined : recorded(answer)
    },
    release: () => upload.release(),
  }
}
