import { createHmac } from 'node:crypto'
import { ParleyError } from '../../../core/errors/index.ts'
import { isLoopback } from '../../../core/wire/address.ts'
import type { Severity } from './alert.ts'
import { PermanentFailure, type Sink } from './delivery.ts'

export type WebhookOptions = {
  readonly name: string
  readonly url: string
  /** Key of the signature, at least 16 bytes of UTF-8. */
  readonly secret: string
  readonly minSeverity: Severity
  readonly timeoutMs: number
  readonly allowHttpBeyondLoopback: boolean
  /** The coordinator's public key in hex: says whose alerts these are. */
  readonly coordinator: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** The signature's header: `t=<seconds since 1970>,v1=<HMAC-SHA-256 in hex>` over `<t>.<body>`, so that old requests can be told. */
export const SIGNATURE_HEADER = 'parley-signature'

/**
 * Posts notices as JSON. Throws `config.insecure` for clear text beyond the loopback interface, `config.invalid` for an address
 * that is none, or with a name or a password in it.
 */
export function webhookSink(options: WebhookOptions): Sink {
  const { name, minSeverity, timeoutMs, secret, coordinator, now } = options
  const url = checkedUrl(options)
  return {
    name,
    kind: 'webhook',
    minSeverity,
    timeoutMs,
    async send(notice, signal) {
      const body = JSON.stringify({ version: 1, coordinator, ...notice })
      const time = Math.floor(now() / 1_000)
      const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: `t=${time},v1=${signature}` },
        // Nobody may send it on to where it was not meant to go.
        redirect: 'manual',
        signal,
      })
      await response.body?.cancel()
      if (response.ok) return
      const { status } = response
      const why = `the webhook answered ${status}`
      throw status >= 500 || status === 408 || status === 429 ? new Error(why) : new PermanentFailure(why)
    },
  }
}

function checkedUrl({ name, url, secret, allowHttpBeyondLoopback }: WebhookOptions): URL {
  const invalid = (why: string) => new ParleyError('config.invalid', `webhook ${name}: ${why}`)
  if (!URL.canParse(url)) throw invalid('its url is none')
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') throw invalid('its url begins with https://')
  if (parsed.username !== '' || parsed.password !== '') throw invalid('no names and passwords in its url')
  if (parsed.protocol === 'http:' && !isLoopback(parsed.hostname) && !allowHttpBeyondLoopback) {
    throw new ParleyError('config.insecure', `webhook ${name}: clear text to ${parsed.hostname} is refused; use https`)
  }
  if (Buffer.byteLength(secret) < 16) throw invalid('its secret has less than 16 bytes')
  return parsed
}
