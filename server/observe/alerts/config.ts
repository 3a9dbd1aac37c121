import { ParleyError } from '../../../core/errors/index.ts'
import type { Sink } from './delivery.ts'
import { emailSink } from './email.ts'
import { type AlertsFile, parseAlertsFile } from './file.ts'
import { type AlertRules, usualRules } from './settings.ts'
import { webhookSink } from './webhook.ts'

/** What the coordinator itself watches, and whom it tells. */
export type AlertsConfig = {
  readonly rules: AlertRules
  readonly everyMs: number
  /** Made when the coordinator starts; `coordinator` is its public key in hex. */
  readonly sinks: (coordinator: string, now: () => number) => readonly Sink[]
}

/** Alerts are shown by the API, and nobody is told. */
export const usualAlerts: AlertsConfig = { rules: usualRules, everyMs: 15_000, sinks: () => [] }

/**
 * Reads what `parley coordinator --alerts` names; `readFile` gives the files that it names in turn, of which secrets are the
 * first line. Throws `config.invalid` and `config.insecure`.
 */
export async function readAlerts(text: string, readFile: (path: string) => Promise<string>): Promise<AlertsConfig> {
  const file = parseAlertsFile(text)
  const webhooks = await Promise.all(
    file.webhooks.map(async (one) => ({ ...one, secret: await secretIn(one.secretFile, readFile) })),
  )
  const emails = await Promise.all(
    file.emails.map(async (one) => ({
      ...one,
      ...(await loginOf(one, readFile)),
      ...(one.caFile === undefined ? {} : { ca: await readFile(one.caFile) }),
    })),
  )
  const sinks: AlertsConfig['sinks'] = (coordinator, now) => [
    ...webhooks.map((one) => webhookSink({ ...one, timeoutMs: one.timeout, coordinator, now })),
    ...emails.map((one) => emailSink({ ...one, timeoutMs: one.timeout, coordinator })),
  ]
  // Says what is wrong before anything is started.
  for (const sink of sinks('', () => 0)) sink.close?.()
  return { rules: file.rules, everyMs: file.every, sinks }
}

async function loginOf(
  { user, passwordFile }: AlertsFile['emails'][number],
  readFile: (path: string) => Promise<string>,
) {
  if (user === undefined || passwordFile === undefined) return {}
  return { login: { user, password: await secretIn(passwordFile, readFile) } }
}

async function secretIn(path: string, readFile: (path: string) => Promise<string>): Promise<string> {
  const secret = (await readFile(path)).split(/\r?\n/)[0] ?? ''
  if (secret === '') throw new ParleyError('config.invalid', `${path} is empty: its first line is the secret`)
  return secret
}
