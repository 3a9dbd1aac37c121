import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import { createLogger, type Logger } from '../../server/observe/logger.ts'
import { measuredJournal } from '../../server/observe/measured-journal.ts'
import { metricTable } from '../../server/observe/metric-table.ts'
import { createMetrics } from '../../server/observe/metrics.ts'
import { metricsPage } from '../../server/observe/metrics-page.ts'
import { MemoryJournal } from '../../server/store/memory/journal.ts'

function logged(write: (logger: Logger) => void): { text: string; lines: Record<string, unknown>[] } {
  let text = ''
  const stream = {
    write: (line: string) => {
      text += line
    },
  }
  write(createLogger({ stream, now: () => Date.UTC(2026, 0, 2), level: 'debug' }))
  return {
    text,
    lines: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }
}

describe('the log', () => {
  it('has one JSON object a line, with level, time and what it is about', () => {
    const { lines } = logged((logger) =>
      logger.child({ run: 'run_1', round: 3 }).child({ client: 'north' }).info({ bytes: 7 }, 'update accepted'),
    )
    expect(lines).toEqual([
      {
        level: 'info',
        time: '2026-01-02T00:00:00.000Z',
        run: 'run_1',
        round: 3,
        client: 'north',
        bytes: 7,
        msg: 'update accepted',
      },
    ])
  })

  it('holds no keys, tokens, seeds, secrets, payloads or weights, at any depth and however they are spelled', () => {
    const secret = 'hunter2'
    const digest = 'a'.repeat(64)
    const { text, lines } = logged((logger) => {
      for (const name of [
        'key',
        'privateKey',
        'sealing_secret',
        'sealingSecret',
        'adminToken',
        'admin-token',
        'AUTHORIZATION',
        'Set-Cookie',
        'seed',
        'password',
        'payload',
        'weights',
        'values',
        'envelope',
        'apiKeys',
      ]) {
        logger.info({ [name]: secret }, 'flat')
        logger.child({ [name]: secret } as object).warn({ a: [{ b: { [name]: [secret] } }] }, 'deep')
      }
      logger.error({ bytes: new TextEncoder().encode(secret), floats: new Float32Array(3) }, 'arrays')
      logger.info({ publicKey: 'p', weights: digest }, 'known to all')
    })
    expect(text).not.toContain(secret)
    expect(lines.at(-2)).toMatchObject({ bytes: '[7 bytes]', floats: '[12 bytes]' })
    expect(lines.at(-1)).toMatchObject({ publicKey: 'p', weights: digest })
  })

  it('says of an error its code and causes, and of a defect where it was', () => {
    const { lines } = logged((logger) => {
      const cause = new ParleyError('store.full', 'no room', { details: { digest: 'd', token: 't' } })
      logger.error({ err: new ParleyError('round.aggregation-failed', 'mean', { cause }) }, 'failed')
      logger.error({ err: new TypeError('oops') }, 'defect')
    })
    expect(lines[0]?.err).toEqual({
      code: 'round.aggregation-failed',
      message: 'mean',
      cause: { code: 'store.full', message: 'no room', details: { digest: 'd', token: '[redacted]' } },
    })
    expect(lines[1]?.err).toMatchObject({ name: 'TypeError', message: 'oops', stack: expect.any(String) })
  })

  it('stays one line of bounded length whatever a peer sends', () => {
    const { text, lines } = logged((logger) => {
      logger.info({ name: 'a\n{"level":"fatal"}\u2028', long: 'x'.repeat(1e6), list: Array(1e4).fill(1) }, 'hostile')
    })
    expect(lines).toHaveLength(1)
    expect(text.length).toBeLessThan(5_000)
  })
})

describe('the metrics', () => {
  it('count what they are told', async () => {
    const metrics = createMetrics()
    metrics.add('updatesAccepted', {})
    metrics.add('bytes', { direction: 'in', carrier: 'ws' }, 500)
    metrics.set('runsActive', {}, 2)
    metrics.move('sessionsOpen', { carrier: 'grpc' }, 1)
    metrics.observe('roundSeconds', {}, 20)
    const text = await metrics.render()
    expect(text).toContain('parley_updates_accepted_total 1\n')
    expect(text).toContain('parley_bytes_total{direction="in",carrier="ws"} 500\n')
    expect(text).toContain('parley_runs_active 2\n')
    expect(text).toContain('parley_sessions_open{carrier="grpc"} 1\n')
    expect(text).toContain('parley_round_seconds_bucket{le="60"} 1\n')
    expect(text).toContain('parley_round_seconds_bucket{le="15"} 0\n')
  })

  it('have as many series as the table allows, and no more', async () => {
    const metrics = createMetrics()
    for (let i = 0; i < 1_000; i++) metrics.add('updatesRefused', { code: `made-up-${i}` })
    metrics.add('updatesRefused', { code: 'update.stale' })
    const text = await metrics.render()
    expect(text).toContain('parley_updates_refused_total{code="other"} 1000\n')
    expect(text).toContain('parley_updates_refused_total{code="update.stale"} 1\n')
    expect(text).not.toContain('made-up')
  })

  it('can be those of the process too', async () => {
    expect(await createMetrics({ process: true }).render()).toContain('process_resident_memory_bytes')
  })

  it('time the journal', async () => {
    const metrics = createMetrics()
    let now = 0
    const journal = measuredJournal(new MemoryJournal(), metrics, () => {
      now += 2
      return now
    })
    await journal.append('run', 0, '1')
    await expect(journal.append('run', 0, '1')).rejects.toMatchObject({ code: 'run.conflict' })
    expect(await journal.read('run')).toEqual(['1'])
    expect(await metrics.render()).toContain('parley_journal_append_seconds_sum 0.002\n')
  })

  it('are those of the manual', () => {
    const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    expect(page).toBe(metricsPage())
    for (const { name } of Object.values(metricTable)) expect(page).toContain(`\`${name}\``)
  })
})
