import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/system-clock.ts'
import type { Notice } from '../../server/observe/alerts/alert.ts'
import { readAlerts } from '../../server/observe/alerts/config.ts'
import { Delivery, PermanentFailure } from '../../server/observe/alerts/delivery.ts'
import { type EmailOptions, emailSink, subjectOf } from '../../server/observe/alerts/email.ts'
import { SIGNATURE_HEADER, type WebhookOptions, webhookSink } from '../../server/observe/alerts/webhook.ts'
import { silentLogger } from '../../server/observe/logger.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { mailServer, webhookServer } from '../support/sinks.ts'
import { adminToken, Started } from '../support/started.ts'
import { hasOpenssl, makeCertificates } from '../wire/certificates.ts'

const notice: Notice = {
  alert: 'disk-low',
  severity: 'critical',
  subject: { kind: 'coordinator', id: 'coordinator' },
  summary: 'less than 2048 MiB are free',
  hint: 'free some',
  since: '2026-01-01T00:00:00.000Z',
  id: 'notice-1',
  state: 'firing',
}
const never = new AbortController().signal
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const secret = 'a-secret-of-some-length'
const hook = (url: string, changes: Partial<WebhookOptions> = {}) =>
  webhookSink({
    name: 'ops',
    url,
    secret,
    minSeverity: 'warning',
    timeoutMs: 5_000,
    allowHttpBeyondLoopback: false,
    coordinator: 'c0',
    now: () => 1_700_000_000_123,
    ...changes,
  })

async function hooked(...statuses: number[]) {
  const server = await webhookServer(statuses)
  closing.push(server.close)
  return server
}

describe('a webhook', () => {
  it('is posted JSON with a signature over time and body', async () => {
    const server = await hooked(204)
    await hook(server.url).send(notice, never)
    const { headers, body } = server.posted[0]!
    expect(JSON.parse(body)).toEqual({ version: 1, coordinator: 'c0', ...notice })
    expect(headers['content-type']).toBe('application/json')
    const expected = createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex')
    expect(headers[SIGNATURE_HEADER]).toBe(`t=1700000000,v1=${expected}`)
    expect(body + JSON.stringify(headers)).not.toContain(secret)
  })

  it('is tried again after 500 and 429, with the same body, and not after 400 or a redirection', async () => {
    const server = await hooked(500, 429, 200)
    const metrics = createMetrics()
    const deps = { clock: systemClock, logger: silentLogger, metrics, random: () => 0 }
    const delivery = new Delivery(hook(server.url), deps)
    delivery.take(notice)
    await server.count(3)
    await delivery.stop(5_000)
    expect(new Set(server.posted.map(({ body }) => body)).size).toBe(1)
    expect(await metrics.render()).toContain('parley_alert_notices_total{sink="webhook",outcome="sent"} 1\n')
    for (const status of [400, 301]) {
      const strict = await hooked(status)
      await expect(hook(strict.url).send(notice, never)).rejects.toBeInstanceOf(PermanentFailure)
      expect(strict.posted).toHaveLength(1)
    }
  })

  it('that does not answer is left when its time is over', async () => {
    const server = await hooked(0)
    const ended = new AbortController()
    const sent = hook(server.url).send(notice, ended.signal)
    await server.count(1)
    ended.abort(new Error('too long'))
    await expect(sent).rejects.toThrow('too long')
  })

  it('is not told in clear text beyond the loopback interface, unless that is written out', () => {
    expect(() => hook('http://hooks.example/x')).toThrowError(/clear text to hooks.example/)
    expect(() => hook('http://hooks.example/x', { allowHttpBeyondLoopback: true })).not.toThrow()
    expect(() => hook('https://hooks.example/x')).not.toThrow()
    expect(() => hook('file:///etc/passwd')).toThrowError(/https/)
    expect(() => hook('https://u:p@hooks.example/')).toThrowError(/passwords/)
    expect(() => hook('https://hooks.example/', { secret: 'short' })).toThrowError(/16 bytes/)
  })
})

describe.skipIf(!hasOpenssl)('an e-mail', () => {
  const certificates = hasOpenssl ? makeCertificates() : undefined
  const mail = (port: number, changes: Partial<EmailOptions> = {}) => {
    const sink = emailSink({
      name: 'mail',
      host: '127.0.0.1',
      port,
      from: 'parley@hospital.example',
      to: ['ops@hospital.example', 'night@hospital.example'],
      ca: certificates!.ca,
      implicitTls: false,
      allowClearTextBeyondLoopback: false,
      minSeverity: 'warning',
      timeoutMs: 5_000,
      coordinator: 'c0',
      ...changes,
    })
    closing.push(async () => sink.close?.())
    return sink
  }
  async function mailed(options: Parameters<typeof mailServer>[0] = {}) {
    const { cert, key } = certificates!.server
    const server = await mailServer({ cert, key, ...options })
    closing.push(server.close)
    return server
  }

  it('goes to everybody on the list, over TLS, with the password', async () => {
    const logins: string[] = []
    const server = await mailed({
      authOptional: false,
      onAuth: ({ username, password }, { secure }, done) => {
        logins.push(`${username} ${password} ${secure}`)
        done(null, { user: username ?? '' })
      },
    })
    await mail(server.port, { login: { user: 'u', password: 'p' } }).send(notice, never)
    expect(logins).toEqual(['u p true'])
    expect(server.mails).toMatchObject([
      { from: 'parley@hospital.example', to: ['ops@hospital.example', 'night@hospital.example'], secure: true },
    ])
    const { text } = server.mails[0]!
    expect(text).toContain('Subject: [parley] critical: disk-low (coordinator coordinator)')
    expect(text).toContain('less than 2048 MiB are free')
    expect(text).toContain('Auto-Submitted: auto-generated')
  })

  it('is not sent without STARTTLS, nor to a server that cannot prove who it is, unless clear text is written out', async () => {
    const plain = await mailed({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    await expect(mail(plain.port).send(notice, never)).rejects.toThrow()
    expect(plain.mails).toEqual([])
    await mail(plain.port, { allowClearTextBeyondLoopback: true }).send(notice, never)
    expect(plain.mails.map(({ secure }) => secure)).toEqual([false])
    const strange = await mailed()
    await expect(mail(strange.port, { ca: certificates!.stranger.cert }).send(notice, never)).rejects.toThrow()
    expect(strange.mails).toEqual([])
    expect(() =>
      mail(1, { host: 'mail.example', allowClearTextBeyondLoopback: true, login: { user: 'u', password: 'p' } }),
    ).toThrowError(/password/)
  })

  it('is not tried again where the server refuses for good, and is where it does not', async () => {
    const refusing = (code: number) =>
      mailed({ onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no'), { responseCode: code })) })
    await expect(mail((await refusing(550)).port).send(notice, never)).rejects.toBeInstanceOf(PermanentFailure)
    const busy = mail((await refusing(451)).port).send(notice, never)
    await expect(busy).rejects.not.toBeInstanceOf(PermanentFailure)
  })

  it('has headers that nothing from outside can add to', async () => {
    const server = await mailed()
    const id = 'run_1\r\nBcc: thief@evil.example\r\n\r\nbody \u2028 é'
    const hostile: Notice = { ...notice, subject: { kind: 'run', id }, summary: '.\r\n.\r\nQUIT\r\n' }
    await mail(server.port).send(hostile, never)
    expect(server.mails[0]!.to).toEqual(['ops@hospital.example', 'night@hospital.example'])
    const [head] = server.mails[0]!.text.split('\r\n\r\n')
    expect(head).not.toMatch(/^Bcc:/im)
    expect(subjectOf(hostile)).toMatch(/^[\x20-\x7e]+$/)
    for (const address of ['a@b\r\nX: y', 'a b@c', '"a"@b', 'a@b, c@d', 'a', '@b', '<a@b>']) {
      expect(() => mail(1, { to: [address] }), address).toThrowError(/address/)
    }
  })
})

describe('the file that names sinks', () => {
  const files: Record<string, string> = { '/secret': `${secret}\nnot this\n`, '/empty': '\n' }
  const readFile = async (path: string) => files[path] ?? ''

  it('takes secrets from the first line of files', async () => {
    const server = await hooked(200)
    const text = `webhooks: [{ name: ops, url: "${server.url}", secretFile: /secret, minSeverity: critical }]`
    const config = await readAlerts(text, readFile)
    const [sink] = config.sinks('c', () => 0)
    await sink!.send(notice, never)
    const { headers, body } = server.posted[0]!
    expect(headers[SIGNATURE_HEADER]).toBe(`t=0,v1=${createHmac('sha256', secret).update(`0.${body}`).digest('hex')}`)
    expect(sink!.minSeverity).toBe('critical')
  })

  it('is refused before anything is started where a sink cannot work', async () => {
    await expect(
      readAlerts('webhooks: [{ name: a, url: "https://x.example", secretFile: /empty }]', readFile),
    ).rejects.toMatchObject({ code: 'config.invalid' })
    await expect(
      readAlerts('webhooks: [{ name: a, url: "http://x.example", secretFile: /secret }]', readFile),
    ).rejects.toMatchObject({ code: 'config.insecure' })
  })
})

it('a coordinator tells its webhook and shows its alerts to who may read runs', async () => {
  const server = await hooked(200)
  const files: Record<string, string> = { '/secret': secret }
  const text = `webhooks: [{ name: ops, url: "${server.url}", secretFile: /secret }]`
  const alerts = await readAlerts(text, async (path) => files[path] ?? '')
  const started = await Started.create({ alerts, certificates: () => [{ name: 'server', at: Date.now() + 60_000 }] })
  try {
    await server.count(1)
    const { body } = server.posted[0]!
    expect(JSON.parse(body)).toMatchObject({ state: 'firing', alert: 'certificate-ends', severity: 'critical' })
    const url = `${started.running.urls.http}/v1/alerts`
    expect((await fetch(url)).status).toBe(401)
    const answer = await fetch(url, { headers: { authorization: `Bearer ${adminToken}` } })
    expect(await answer.json()).toMatchObject({
      firing: [{ alert: 'certificate-ends', subject: { kind: 'certificate', id: 'server' }, hint: expect.any(String) }],
      recent: [],
    })
  } finally {
    await started.stop()
  }
})
