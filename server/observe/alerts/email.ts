import { createTransport } from 'nodemailer'
import { ParleyError } from '../../../core/errors/index.ts'
import { isLoopback } from '../../../core/wire/address.ts'
import type { Notice, Severity } from './alert.ts'
import { PermanentFailure, type Sink } from './delivery.ts'

export type EmailOptions = {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly from: string
  readonly to: readonly string[]
  readonly login?: { readonly user: string; readonly password: string }
  /** Authorities beside those of the system, PEM. */
  readonly ca?: string
  /** The server speaks TLS from the first byte, as on port 465; otherwise STARTTLS is required. */
  readonly implicitTls: boolean
  readonly allowClearTextBeyondLoopback: boolean
  readonly minSeverity: Severity
  readonly timeoutMs: number
  readonly coordinator: string
}

/** Plain addresses only: no names, no comments, nothing that a header could be broken with. */
export const addressPattern = /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/

/** Sends notices by SMTP. Throws `config.invalid` for bad addresses, `config.insecure` for a password that would go out in the clear. */
export function emailSink(options: EmailOptions): Sink {
  const { name, host, port, from, to, login, ca, implicitTls, minSeverity, timeoutMs } = options
  const bad = [from, ...to].find((address) => !addressPattern.test(address))
  if (bad !== undefined) throw new ParleyError('config.invalid', `e-mail ${name}: ${JSON.stringify(bad)} is no address`)
  const { allowClearTextBeyondLoopback: clear } = options
  if (clear && login !== undefined && !isLoopback(host)) {
    throw new ParleyError('config.insecure', `e-mail ${name}: a password is not sent without TLS`)
  }
  const transport = createTransport({
    host,
    port,
    secure: implicitTls,
    requireTLS: !implicitTls && !clear,
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(login === undefined ? {} : { auth: { user: login.user, pass: login.password } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    name,
    kind: 'email',
    minSeverity,
    timeoutMs,
    async send(notice) {
      const message = { from: { name: '', address: from }, to: to.map((address) => ({ name: '', address })) }
      try {
        await transport.sendMail({
          ...message,
          subject: subjectOf(notice),
          text: textOf(notice, options.coordinator),
          headers: { 'Auto-Submitted': 'auto-generated' },
          messageId: `<${notice.id}@parley.invalid>`,
        })
      } catch (failure) {
        throw isRefused(failure) ? new PermanentFailure('the mail server refused it', { cause: failure }) : failure
      }
    },
    close: () => transport.close(),
  }
}

/** Printable ASCII of one line. */
export function subjectOf({ state, severity, alert, subject }: Notice): string {
  const what = state === 'firing' ? severity : 'resolved'
  return `[parley] ${what}: ${alert} (${subject.kind} ${subject.id})`.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}

function textOf(notice: Notice, coordinator: string): string {
  const lines = [
    notice.summary,
    '',
    `alert: ${notice.alert}`,
    `severity: ${notice.severity}`,
    `about: ${notice.subject.kind} ${notice.subject.id}`,
    `since: ${notice.since}`,
    ...(notice.resolvedAt === undefined ? [] : [`resolved: ${notice.resolvedAt}`]),
    `coordinator: ${coordinator}`,
    '',
    notice.hint,
  ]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a line.
  return `${lines.map((line) => line.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, ' ')).join('\n')}\n`
}

/** 5xx answers stay: wrong password, unknown recipient. */
function isRefused(failure: unknown): boolean {
  const code = failure instanceof Error && 'responseCode' in failure ? failure.responseCode : undefined
  return typeof code === 'number' && code >= 500 && code < 600
}
