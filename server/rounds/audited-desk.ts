import type { AuditSink } from '../../core/audit/sink.ts'
import { Throttle } from '../../core/audit/throttle.ts'
import type { RoundDesk, Upload } from './desk.ts'

/**
 * A desk whose answers leave when everything that led to them is in the audit log: what a client is told of its update cannot
 * be missing there. Records what clients decline.
 */
export function auditedDesk(desk: RoundDesk, audit: AuditSink, now: () => number): RoundDesk {
  const throttle = new Throttle()
  const recorded = async <Answer>(answer: Answer): Promise<Answer> => {
    await audit.settled()
    return answer
  }
  return {
    connected: (client, channel) => desk.connected(client, channel),
    async openUpload(client, header) {
      const opened = await desk.openUpload(client, header)
      return 'answer' in opened ? recorded(opened) : { upload: auditedUpload(opened.upload, recorded) }
    },
    evaluation: async (client, report) => recorded(await desk.evaluation(client, report)),
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
        details: { task: kind, message, leftOut: more === 0 ? undefined : more },
      })
    },
    masking: (client, answer) => desk.masking(client, answer),
  }
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
