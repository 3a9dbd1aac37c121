import { describe, expect, it } from 'vitest'
import type { RoundSummary, RunView } from '../../core/run/view.ts'
import type { Condition, Notice } from '../../server/observe/alerts/alert.ts'
import { Alerts } from '../../server/observe/alerts/alerts.ts'
import { AlertBook, HOLD_MS } from '../../server/observe/alerts/book.ts'
import { conditionsIn, type Facts } from '../../server/observe/alerts/conditions.ts'
import { usualAlerts } from '../../server/observe/alerts/config.ts'
import { Delivery, PermanentFailure, type Sink } from '../../server/observe/alerts/delivery.ts'
import { parseAlertsFile } from '../../server/observe/alerts/file.ts'
import { alertRulesSchema, usualRules } from '../../server/observe/alerts/settings.ts'
import { silentLogger } from '../../server/observe/logger.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { view } from './http-fixtures.ts'

const MINUTE = 60_000
const now = Date.UTC(2026, 0, 2)

const round = (changes: Partial<RoundSummary> = {}): RoundSummary => ({
  round: 1,
  openedAt: '2026-01-01T00:00:00.000Z',
  closedAt: '2026-01-01T00:01:00.000Z',
  cohort: ['a', 'b', 'c'],
  accepted: ['a', 'b', 'c'],
  refused: [],
  bytes: 1,
  clients: [],
  ...changes,
})

const withNorms = (number: number, norms: readonly number[]) =>
  round({
    round: number,
    robustness: {
      rule: 'fedavg',
      attackers: null,
      norm: 1,
      clients: norms.map((norm) => {
        const whole = { weight: 1, kept: null, distance: 0, cosine: 1, scale: 1, marks: [] }
        return { client: `${norm}`, norm, ...whole }
      }),
    },
  })

const member = (client: string, phase: 'invited' | 'accepted' | 'refused') => ({
  client,
  connected: true,
  phase,
  bytes: 0,
})

function found(facts: Partial<Facts>, rules = usualRules): string[] {
  return conditionsIn({ now, runs: [], certificates: [], happened: [], ...facts }, rules).map(
    ({ alert, severity, summary }) => `${severity} ${alert}: ${summary}`,
  )
}
const ofRun = (changes: Partial<RunView>, since = now, rules = usualRules) =>
  found({ runs: [{ view: view('run_1', changes), since }] }, rules)

describe('alerts are decided on', () => {
  it('rounds without a quorum, and runs that wait too long for one', () => {
    const failure = { code: 'round.quorum', message: '' } as const
    expect(
      ofRun({
        phase: 'waiting',
        history: [
          round({
            accepted: ['a'],
            refused: [
              { client: 'b', code: 'update.stale', message: '' },
              { client: 'c', code: 'update.stale', message: '' },
            ],
            failure,
          }),
        ],
      }),
    ).toEqual(['critical round-no-quorum: round 1 failed: 1 of 3 updates came'])
    expect(ofRun({ phase: 'waiting' }, now - 29 * MINUTE)).toEqual([])
    expect(ofRun({ phase: 'waiting', round: 4 }, now - 30 * MINUTE)).toEqual([
      'critical round-no-quorum: round 4 waits for clients for more than 30 minutes',
    ])
    const paused = { at: '2026-01-01T00:00:00.000Z', reason: 'a question' }
    expect(ofRun({ phase: 'waiting', round: 4, paused }, now - 30 * MINUTE)).toEqual([])
  })

  it('stragglers of the last round, and of the open one once most of its time is over', () => {
    expect(ofRun({ history: [round({ accepted: ['a'] })] })).toEqual([
      'warning round-stragglers: nothing came from 2 of 3 members of round 1',
    ])
    const engaged = [member('a', 'accepted'), member('b', 'invited')]
    const open = { round: 2, engaged, window: { min: 2, max: 2, closesAt: new Date(now + 2 * MINUTE).toISOString() } }
    expect(ofRun(open, now - 7 * MINUTE)).toEqual([])
    expect(ofRun(open, now - 8 * MINUTE)).toEqual([
      'warning round-stragglers: nothing came from 1 of 2 members of round 2',
    ])
  })

  it('many refused updates, of a closed and of an open round', () => {
    const refused = ['b', 'c', 'd'].map((client) => ({ client, code: 'update.stale', message: '' }) as const)
    const closed = round({ cohort: ['a', 'b', 'c', 'd'], accepted: ['a'], refused })
    expect(ofRun({ history: [closed] })).toEqual([
      'warning updates-refused: 3 updates of round 1 were refused, 1 accepted',
    ])
    expect(ofRun({ history: [{ ...closed, refused: refused.slice(0, 2), cohort: ['a', 'b', 'c'] }] })).toEqual([])
    const engaged = ['a', 'b', 'c'].map((client) => member(client, 'refused'))
    expect(ofRun({ engaged })).toEqual(['warning updates-refused: 3 updates of round 1 were refused, 0 accepted'])
  })

  it('gates that were not passed, and runs that failed', () => {
    const gate = { metric: 'accuracy', value: 1, bound: 1, explanation: '' } as const
    const gates = [
      { ...gate, gate: 'good', verdict: 'pass' },
      { ...gate, gate: 'bad', verdict: 'fail' },
    ] as const
    expect(ofRun({ phase: 'over', outcome: { kind: 'rejected', weights: 'w', gates } })).toEqual([
      'warning gates-failed: 1 of 2 gates were not passed: bad',
    ])
    expect(ofRun({ phase: 'over', outcome: { kind: 'failed', code: 'round.quorum', message: '' } })).toEqual([
      'critical run-failed: the run failed with round.quorum',
    ])
  })

  it('norms far above those of the run before', () => {
    const usual = [1, 1.1, 0.9, 1, 1.05].map((norm, index) => withNorms(index + 1, [norm, norm]))
    expect(ofRun({ history: [...usual, withNorms(6, [5, 5, 5])] })).toEqual([
      'warning norm-drift: the median norm of round 6 is 5.00, that of earlier rounds 1.00',
    ])
    expect(ofRun({ history: [...usual, withNorms(6, [1.9])] })).toEqual([])
    expect(ofRun({ history: [...usual.slice(0, 4), withNorms(5, [5])] })).toEqual([])
    const wild = [1, 20, 3, 40, 2].map((norm, index) => withNorms(index + 1, [norm]))
    expect(ofRun({ history: [...wild, withNorms(6, [9])] })).toEqual([])
  })

  it('ε, certificates, the disk and what happened', () => {
    const privacy = { epsilon: 6.5, delta: 1e-5, rounds: 4, accountant: 'rdp', budget: 8 } as const
    expect(ofRun({ privacy })).toEqual(['warning privacy-budget: ε = 6.50 of 8 is spent after 4 rounds'])
    expect(ofRun({ privacy: { ...privacy, epsilon: 6.3 } })).toEqual([])
    const day = 24 * 60 * MINUTE
    const certificates = [2, 20, 22].map((days) => ({ name: `in-${days}`, at: now + days * day }))
    const week = { lifetime: 7 * day }
    const clients = [7, 2, 1, 0.5].map((days) => ({ name: `client ${days}`, at: now + days * day, ...week }))
    expect(found({ certificates: clients })).toEqual([
      'warning certificate-ends: the certificate client 1 ends at 2026-01-03T00:00:00.000Z',
      'critical certificate-ends: the certificate client 0.5 ends at 2026-01-02T12:00:00.000Z',
    ])
    expect(found({ certificates })).toEqual([
      'critical certificate-ends: the certificate in-2 ends at 2026-01-04T00:00:00.000Z',
      'warning certificate-ends: the certificate in-20 ends at 2026-01-22T00:00:00.000Z',
    ])
    expect(found({ freeBytes: 2 ** 31 })).toEqual([])
    expect(found({ freeBytes: 2 ** 31 - 1 })).toEqual([
      'critical disk-low: less than 2048 MiB are free on the disk of the store',
    ])
    const subject = { kind: 'alias', id: 'm@production' } as const
    expect(
      found({ happened: [{ alert: 'rollout-rolled-back', subject, summary: 'version 2 was taken back' }] }),
    ).toEqual(['warning rollout-rolled-back: version 2 was taken back'])
  })

  it('and not where they are switched off', () => {
    const off = alertRulesSchema.parse(Object.fromEntries(Object.keys(usualRules).map((name) => [name, 'off'])))
    const subject = { kind: 'coordinator', id: 'coordinator' } as const
    const happened = [{ alert: 'audit-failing', subject, summary: '' } as const]
    expect(found({ freeBytes: 0, certificates: [{ name: 'server', at: 0 }], happened }, off)).toEqual([])
    expect(ofRun({ phase: 'waiting', history: [round({ accepted: [] })] }, 0, off)).toEqual([])
    expect(
      ofRun(
        { history: [round({ accepted: ['a'] })] },
        now,
        alertRulesSchema.parse({ 'round-stragglers': { share: 0.7 } }),
      ),
    ).toEqual([])
  })
})

const condition: Condition = {
  alert: 'disk-low',
  severity: 'warning',
  subject: { kind: 'coordinator', id: 'coordinator' },
  summary: 's',
}

describe('the book of alerts', () => {
  it('tells once of what begins, once of what rises, and once of what is over', () => {
    let ids = 0
    const book = new AlertBook(() => `${++ids}`)
    const states = (notices: readonly Notice[]) => notices.map(({ state, severity }) => `${state} ${severity}`)
    expect(states(book.update([condition], 0))).toEqual(['firing warning'])
    expect(book.update([condition], 1_000)).toEqual([])
    expect(states(book.update([{ ...condition, severity: 'critical' }], 2_000))).toEqual(['firing critical'])
    // It comes and goes.
    expect(book.update([], 3_000)).toEqual([])
    expect(book.update([{ ...condition, severity: 'critical' }], 4_000)).toEqual([])
    expect(book.update([], 4_000 + HOLD_MS - 1)).toEqual([])
    expect(book.view().firing).toHaveLength(1)
    expect(states(book.update([], 4_000 + HOLD_MS))).toEqual(['resolved critical'])
    expect(book.view()).toMatchObject({
      firing: [],
      recent: [{ alert: 'disk-low', since: '1970-01-01T00:00:00.000Z' }],
    })
  })

  it('keeps a hundred that are over', () => {
    const book = new AlertBook(() => 'x')
    for (let i = 0; i < 150; i++) {
      book.update([{ ...condition, subject: { kind: 'run', id: `run_${i}` } }], i * 2 * HOLD_MS)
      book.update([], i * 2 * HOLD_MS + HOLD_MS)
    }
    expect(book.view().recent).toHaveLength(100)
    expect(book.view().recent[0]?.subject.id).toBe('run_149')
  })
})

const notice = (id: string, severity: 'warning' | 'critical' = 'critical'): Notice => ({
  ...condition,
  severity,
  hint: 'h',
  since: '2026-01-01T00:00:00.000Z',
  id,
  state: 'firing',
})

function delivering(send: Sink['send'], sink: Partial<Sink> = {}) {
  const clock = new ManualClock()
  const metrics = createMetrics()
  const whole: Sink = { name: 's', kind: 'webhook', minSeverity: 'warning', timeoutMs: 10_000, send, ...sink }
  const delivery = new Delivery(whole, { clock, metrics, logger: silentLogger, random: () => 0.5 })
  return { clock, metrics, delivery }
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a delivery', () => {
  it('tries again after a wait that doubles, and goes on with the next', async () => {
    const sent: string[] = []
    let failures = 3
    const { clock, delivery } = delivering(async ({ id }) => {
      if (failures-- > 0) throw new Error('not now')
      sent.push(id)
    })
    delivery.take(notice('1'))
    delivery.take(notice('2'))
    await clock.pass(500)
    await clock.pass(1_000)
    await clock.pass(2_000)
    await turn()
    expect(sent).toEqual(['1', '2'])
    await delivery.stop(0)
    expect(clock.timers).toBe(0)
  })

  it('gives up after ten attempts, or at once where it is of no use', async () => {
    let attempts = 0
    const { clock, delivery, metrics } = delivering(async ({ id }) => {
      attempts++
      throw id === 'bad' ? new PermanentFailure('no') : new Error('not now')
    })
    delivery.take(notice('bad'))
    await turn()
    expect(attempts).toBe(1)
    delivery.take(notice('1'))
    for (let i = 0; i < 9; i++) await clock.pass(Math.min(150_000, 500 * 2 ** i))
    await clock.pass(150_000)
    await turn()
    expect(attempts).toBe(11)
    expect(await metrics.render()).toContain('parley_alert_notices_total{sink="webhook",outcome="failed"} 2\n')
  })

  it('is not held up by a sink that never answers, and drops the oldest of too many', async () => {
    const aborted: boolean[] = []
    const { clock, delivery, metrics } = delivering((_notice, signal) => {
      signal.addEventListener('abort', () => aborted.push(true))
      return new Promise(() => {})
    })
    for (let i = 0; i < 250; i++) delivery.take(notice(`${i}`))
    expect(await metrics.render()).toContain('outcome="dropped"} 50\n')
    await clock.pass(10_000)
    expect(aborted).toEqual([true])
    await clock.timer(500)
    const stopped = delivery.stop(2_000)
    await clock.pass(2_000)
    await stopped
    expect(aborted).toHaveLength(2)
  })

  it('leaves out what is not severe enough', async () => {
    const sent: string[] = []
    const { delivery } = delivering(async ({ id }) => void sent.push(id), { minSeverity: 'critical' })
    delivery.take(notice('1', 'warning'))
    delivery.take(notice('2', 'critical'))
    await delivery.stop(1_000)
    expect(sent).toEqual(['2'])
  })
})

describe('a coordinator that watches itself', () => {
  it('tells of what begins and of what is over, by events and by time', async () => {
    const clock = new ManualClock()
    const told: string[] = []
    const sink: Sink = {
      name: 's',
      kind: 'webhook',
      minSeverity: 'warning',
      timeoutMs: 1_000,
      send: async ({ state, alert, subject }) => void told.push(`${state} ${alert} ${subject.id}`),
    }
    let free = 2 ** 40
    const views = new Map([['run_1', view('run_1', { phase: 'waiting' })]])
    const metrics = createMetrics()
    let ids = 0
    const alerts = new Alerts({
      config: { ...usualAlerts, sinks: () => [sink] },
      coordinator: 'c',
      clock,
      logger: silentLogger,
      metrics,
      view: async (run) => views.get(run)!,
      room: { free: async () => free, used: async () => 0 },
      certificates: () => [],
      random: () => 0,
      id: () => `${++ids}`,
    })
    alerts.start()
    alerts.observer.runStarted?.({ run: 'run_1', model: 'm', restored: false })
    alerts.observer.phaseChanged?.({ run: 'run_1', model: 'm', round: 1, phase: 'waiting' })
    await alerts.settled()
    expect(told).toEqual([])
    free = 1
    await clock.pass(15_000)
    await alerts.settled()
    await turn()
    expect(told).toEqual(['firing disk-low coordinator'])
    expect(await metrics.render()).toContain('parley_alerts_firing{alert="disk-low"} 1\n')
    free = 2 ** 40
    views.set('run_1', view('run_1', { phase: 'over', outcome: { kind: 'rejected', weights: '', gates: [] } }))
    alerts.observer.runEnded?.({ run: 'run_1', model: 'm', outcome: 'rejected', gates: [] })
    await alerts.settled()
    await turn()
    expect(told.slice(1)).toEqual(['firing gates-failed run_1'])
    for (let i = 0; i < 4; i++) {
      await clock.pass(15_000)
      await alerts.settled()
    }
    await turn()
    expect(told.slice(2)).toEqual(['resolved disk-low coordinator'])
    expect(alerts.view()).toMatchObject({ firing: [{ alert: 'gates-failed' }], recent: [{ alert: 'disk-low' }] })
    alerts.failed('audit-failing', 'audit.unavailable')
    await alerts.stop()
    expect(told.slice(3)).toEqual(['firing audit-failing coordinator'])
    expect(clock.timers).toBe(0)
  })
})

describe('the file of alerts', () => {
  it('has usual values for what it leaves out', () => {
    const file = parseAlertsFile('rules: { round-stragglers: { share: 0.5 }, norm-drift: off }')
    expect(file).toMatchObject({ every: 15_000, webhooks: [], emails: [] })
    expect(file.rules).toMatchObject({ 'round-stragglers': { share: 0.5, window: 0.8 }, 'norm-drift': 'off' })
    expect(parseAlertsFile('').rules).toEqual(usualRules)
  })

  it.each([
    ['rules: { no-such: off }', /no-such/],
    ['rules: { disk-low: { bytes: -1 } }', /disk-low/],
    ['every: 1ms', /every/],
    ['webhooks: [{ name: a, url: "https://x.example" }]', /secretFile/],
    ['emails: [{ name: a, host: h, from: "a@b", to: ["x@y\\nBcc: z@w"] }]', /to\.0/],
    ['emails: [{ name: a, host: h, from: a@b, to: [c@d], user: u }]', /go together/],
    ['a: [', /file of alerts/],
    ['x: &a [1]\ny: *a', /file of alerts/],
    [`# ${'x'.repeat(70_000)}`, /at most/],
  ])('refuses %.80s', (text, why) => {
    expect(() => parseAlertsFile(text)).toThrowError(why)
  })
})
