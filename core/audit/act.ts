import { ParleyError } from '../errors/index.ts'
import type { AuditAction } from './actions.ts'
import type { AuditEntry, AuditSink } from './sink.ts'

export type Act = Pick<AuditEntry, 'actor' | 'object' | 'details'> & { readonly action: AuditAction }

/**
 * Does what a person asked for, with `request.take` on the disk before: without it nothing is done. What came of it is
 * recorded before anybody is told, as `action` with what `done` adds, or as `request.fail`. Without `done` the work records its
 * own success.
 */
export async function act<Result>(
  audit: AuditSink,
  { action, actor, object, details }: Act,
  work: () => Promise<Result>,
  done?: (result: Result) => Pick<AuditEntry, 'object' | 'details'>,
): Promise<Result> {
  const request = await audit.append({ action: 'request.take', actor, object, details: { ...details, action } })
  let result: Result
  try {
    result = await work()
  } catch (failure) {
    const { code, entry } = ParleyError.from(failure)
    const outcome = entry.exit === 3 ? 'denied' : 'failed'
    await audit.append({ action: 'request.fail', actor, object, outcome, code, details: { action, request } })
    throw failure
  }
  if (done === undefined) await audit.settled()
  else {
    const made = done(result)
    await audit.append({ action, actor, object: made.object, details: { ...made.details, request } })
  }
  return result
}
