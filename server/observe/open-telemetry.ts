import { type Attributes, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { RunPhase } from '../../core/run/view.ts'
import type { Told } from './coordinator-observer.ts'
import type { TraceIds, Tracing, TracingOptions } from './tracing.ts'

type OpenPhase = { readonly name: RunPhase; readonly span: Span; readonly since: number }

type OpenRun = {
  round: { readonly number: number; readonly span: Span } | undefined
  phase: OpenPhase | undefined
  /** What each client is at. */
  readonly clients: Map<string, Span>
  readonly waited: Set<string>
  ids: TraceIds | undefined
}

/** Phases that are part of a round; before and after them nothing is asked of anybody. */
const ofRounds: ReadonlySet<RunPhase> = new Set(['collecting', 'unmasking', 'aggregating', 'evaluating'])

const SEND_MS = 3_000

export function openTelemetry(url: string, { parleyVersion, coordinator, now }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: SEND_MS })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'parley-coordinator',
      'service.version': parleyVersion,
      'service.instance.id': coordinator,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter, exportTimeoutMillis: SEND_MS })],
    forceFlushTimeoutMillis: SEND_MS,
  })
  const spans = new RoundSpans(provider.getTracer('parley', parleyVersion), now)
  return {
    observer: spans.observer,
    idsOf: (run) => spans.idsOf(run),
    async stop() {
      spans.endAll()
      await provider.shutdown().catch(() => {})
    },
  }
}

/** Makes spans of what the observer is told: round → phase → client. */
class RoundSpans {
  readonly #tracer: ReturnType<TracerProvider['getTracer']>
  readonly #now: () => number
  readonly #runs = new Map<string, OpenRun>()

  constructor(tracer: ReturnType<TracerProvider['getTracer']>, now: () => number) {
    this.#tracer = tracer
    this.#now = now
  }

  readonly observer: Partial<Told> = {
    phaseChanged: ({ run, model, round, phase }) => {
      const open = this.#of(run)
      this.#leavePhase(open)
      if (!ofRounds.has(phase)) return
      const about = { 'parley.run': run, 'parley.model': model, 'parley.round': round }
      if (open.round?.number !== round) this.#openRound(open, round, about)
      const span = this.#start(`parley.phase.${phase}`, { ...about, 'parley.phase': phase }, open.round?.span)
      open.phase = { name: phase, span, since: this.#now() }
    },
    uploadStarted: ({ client, run }) => {
      const open = this.#runs.get(run)
      if (open?.phase?.name !== 'collecting' || open.clients.has(client)) return
      this.#waited(open, run, client)
      const about = { 'parley.run': run, 'parley.client': client }
      open.clients.set(client, this.#start('parley.client.upload', about, open.phase.span))
    },
    updateDecided: ({ client, run, bytes, code }) => {
      const open = this.#runs.get(run)
      if (open === undefined) return
      this.#waited(open, run, client)
      const span = open.clients.get(client)
      open.clients.delete(client)
      span?.setAttribute('parley.bytes', bytes)
      if (code !== undefined) span?.setAttribute('parley.code', code).setStatus({ code: SpanStatusCode.ERROR })
      span?.end(this.#now())
    },
    evaluated: ({ client, run }) => {
      const open = this.#runs.get(run)
      if (open?.phase?.name !== 'evaluating') return
      this.#since('parley.client.evaluate', { 'parley.run': run, 'parley.client': client }, open.phase)
    },
    roundClosed: ({ run, round, accepted, silent, made }) => {
      const open = this.#runs.get(run)
      if (open?.round?.number !== round) return
      const { span } = open.round
      span.setAttributes({ 'parley.accepted': accepted, 'parley.silent': silent })
      if (!made) span.setStatus({ code: SpanStatusCode.ERROR })
      this.#leavePhase(open)
      span.end(this.#now())
      open.round = undefined
    },
    runEnded: ({ run }) => {
      const open = this.#runs.get(run)
      if (open !== undefined) this.#endRun(open)
      // Others that are told of the same may still ask for its ids.
      queueMicrotask(() => this.#runs.delete(run))
    },
  }

  idsOf(run: string): TraceIds | undefined {
    return this.#runs.get(run)?.ids
  }

  endAll(): void {
    for (const open of this.#runs.values()) this.#endRun(open)
    this.#runs.clear()
  }

  #of(run: string): OpenRun {
    const open = this.#runs.get(run) ?? {
      round: undefined,
      phase: undefined,
      clients: new Map(),
      waited: new Set(),
      ids: undefined,
    }
    this.#runs.set(run, open)
    return open
  }

  #openRound(open: OpenRun, number: number, about: Attributes): void {
    open.round?.span.end(this.#now())
    const span = this.#start('parley.round', about, undefined)
    const { traceId, spanId } = span.spanContext()
    open.round = { number, span }
    open.ids = { traceId, spanId }
    open.waited.clear()
  }

  /** From the opening of the round to the first sign of a client: it fetched the model and trained. */
  #waited(open: OpenRun, run: string, client: string): void {
    if (open.phase?.name !== 'collecting' || open.waited.has(client)) return
    open.waited.add(client)
    this.#since('parley.client.train', { 'parley.run': run, 'parley.client': client }, open.phase)
  }

  /** A span from the beginning of the phase until now. */
  #since(name: string, attributes: Attributes, { span, since }: OpenPhase): void {
    const context = trace.setSpan(ROOT_CONTEXT, span)
    this.#tracer.startSpan(name, { attributes, startTime: since }, context).end(this.#now())
  }

  #start(name: string, attributes: Attributes, parent: Span | undefined): Span {
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent)
    return this.#tracer.startSpan(name, { attributes, startTime: this.#now() }, context)
  }

  #leavePhase(open: OpenRun): void {
    for (const span of open.clients.values()) span.end(this.#now())
    open.clients.clear()
    open.phase?.span.end(this.#now())
    open.phase = undefined
  }

  #endRun(open: OpenRun): void {
    this.#leavePhase(open)
    open.round?.span.end(this.#now())
    open.round = undefined
  }
}
