import { expect, it } from 'vitest'
import { createLogger } from '../../server/observe/logger.ts'
import { startTracing, tracesUrl } from '../../server/observe/tracing.ts'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { webhookServer } from '../support/sinks.ts'
import { Started } from '../support/started.ts'

type Value = { stringValue?: string; intValue?: number }
type Sent = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Value }[]
}

function spansIn(bodies: readonly string[]): Sent[] {
  return bodies.flatMap((body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] }
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  })
}
const attribute = (span: Sent, key: string) => {
  const value = span.attributes.find((one) => one.key === key)?.value
  return value?.stringValue ?? Number(value?.intValue)
}

it('makes a trace of each round: its phases, and in them what each client did; the log names it', async () => {
  const receiver = await webhookServer([200])
  let text = ''
  const stream = {
    write: (line: string) => {
      text += line
    },
  }
  const started = await Started.create({
    tracesEndpoint: receiver.url.replace('/hook', ''),
    logger: createLogger({ stream, now: Date.now }),
  })
  let run = ''
  try {
    for (const name of ['a', 'b']) started.addClient(name, 'ws', addingTrainer(1))
    run = (await started.running.api.startRun(planText({ rounds: 2 }))).run
    await started.view(run)
  } finally {
    await started.stop()
    await receiver.close()
  }
  const spans = spansIn(receiver.posted.map(({ body }) => body))
  const rounds = spans.filter(({ name }) => name === 'parley.round')
  expect(rounds.map((span) => [attribute(span, 'parley.run'), attribute(span, 'parley.round')])).toEqual([
    [run, 1],
    [run, 2],
  ])
  expect(new Set(rounds.map(({ traceId }) => traceId)).size).toBe(2)
  for (const round of rounds) {
    const within = spans.filter(({ traceId }) => traceId === round.traceId)
    const childrenOf = (parent: Sent) => within.filter(({ parentSpanId }) => parentSpanId === parent.spanId)
    const phases = childrenOf(round)
    expect(phases.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['parley.phase.collecting', 'parley.phase.aggregating']),
    )
    const collecting = phases.find(({ name }) => name === 'parley.phase.collecting')!
    const clients = childrenOf(collecting).map((span) => `${span.name} ${attribute(span, 'parley.client')}`)
    expect(clients.sort()).toEqual([
      'parley.client.train a',
      'parley.client.train b',
      'parley.client.upload a',
      'parley.client.upload b',
    ])
    for (const span of within) expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true)
  }
  const evaluations = spans.filter(({ name }) => name === 'parley.client.evaluate')
  expect(evaluations.map((span) => attribute(span, 'parley.client')).sort()).toEqual(expect.arrayContaining(['a', 'b']))
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; round?: number; traceId?: string })
  const done = lines.filter(({ msg }) => msg === 'a round is done').map(({ traceId }) => traceId)
  expect(done).toEqual(rounds.map(({ traceId }) => traceId))
})

it('sends nothing in clear text beyond the loopback interface', async () => {
  expect(tracesUrl('http://127.0.0.1:4318/')).toBe('http://127.0.0.1:4318/v1/traces')
  expect(tracesUrl('https://otel.example/base/')).toBe('https://otel.example/base/v1/traces')
  for (const [endpoint, code] of [
    ['http://otel.example', 'config.insecure'],
    ['ftp://127.0.0.1', 'config.invalid'],
    ['https://u:p@otel.example', 'config.invalid'],
    ['otel', 'config.invalid'],
  ] as const) {
    const options = { endpoint, parleyVersion: 't', coordinator: 'c', now: Date.now }
    await expect(startTracing(options), endpoint).rejects.toMatchObject({ code })
  }
})
