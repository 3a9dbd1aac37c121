import type { AuditLog } from '../../audit/index.ts'
import type { AuditSink } from '../../core/audit/sink.ts'
import type { Metrics } from './metrics.ts'

/** The `append` of an audit log, counted and timed. `monotonic` is in milliseconds. `failed` is told of what was not recorded. */
export function measuredAppend(
  sink: Pick<AuditSink, 'append'>,
  metrics: Metrics,
  monotonic: () => number,
  failed: (error: unknown) => void = () => {},
): AuditSink['append'] {
  return async (entry) => {
    const started = monotonic()
    try {
      const number = await sink.append(entry)
      metrics.add('auditAppends', { outcome: 'ok' })
      metrics.observe('auditAppendSeconds', {}, (monotonic() - started) / 1_000)
      return number
    } catch (failure) {
      metrics.add('auditAppends', { outcome: 'failed' })
      failed(failure)
      throw failure
    }
  }
}

/** The log with another way to append. */
export function measuredLog(log: AuditLog, append: AuditLog['append']) {
  return {
    federation: log.federation,
    publicKey: log.publicKey,
    append,
    get records() {
      return log.records
    },
    settled: () => log.settled(),
    checkpoint: () => log.checkpoint(),
    lines: (from?: number, limit?: number) => log.lines(from, limit),
    snapshot: () => log.snapshot(),
    state: (records: number) => log.state(records),
    close: () => log.close(),
  }
}
