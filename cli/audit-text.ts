import type { FolderReport } from '../audit/index.ts'
import type { AuditDetails, AuditRecord } from '../core/audit/record.ts'
import { printable } from './printable.ts'

/** A record on one line: when, which, who, what, to what, how it ended. */
export function recordLine({ at, seq, actor, action, object, outcome, code, details }: AuditRecord): string {
  const end = outcome === 'ok' ? [] : [code === undefined ? outcome : `${outcome}: ${code}`]
  const who = `${actor.kind}:${actor.id}`
  return [at, `#${seq}`, who, action, `${object.kind}:${object.id}`, ...end, ...detailWords(details)]
    .map(printable)
    .join('  ')
}

function detailWords(details: AuditDetails): string[] {
  return Object.entries(details).map(([name, value]) => {
    const bare = typeof value !== 'string' || /^[\x21-\x7e]+$/.test(value)
    return `${name}=${bare ? String(value) : JSON.stringify(value)}`
  })
}

/** What was verified of a log, and what that rests on. */
export function reportText(report: FolderReport): string {
  const { records, redacted, checkpoints, covered, federation, head, publicKey, pinned, torn } = report
  const after = records - 1 - (covered ?? -1)
  const lines = [
    `the log is whole: ${records} records${redacted === 0 ? '' : `, ${redacted} of them redacted`}, ${checkpoints} checkpoints`,
    `  of     ${federation ?? '–'}`,
    `  head   ${head ?? '–'}`,
  ]
  if (after > 0) lines.push(`  ${after} records after the newest checkpoint: nothing tells yet whether more were there`)
  if (torn !== undefined) lines.push(`  ${torn} bytes of a line without its end: a write was cut, or is under way`)
  if (!pinned) {
    lines.push(
      `  key    ${publicKey}`,
      '  This key lies in the folder itself. Compare it with one from elsewhere and pass it with --key: whoever can write the',
      '  folder and has no such key cannot pass that.',
    )
  }
  return lines.map(printable).join('\n')
}
