import type { Clock } from '../../core/clock.ts'
import type { RunView } from '../../core/run/view.ts'
import type { StoreRoom } from '../store/ports.ts'
import type { MetricsRegistry } from './metrics.ts'
import { setRunGauges } from './run-gauges.ts'

/** The end of a certificate of the coordinator, or of one that it gave a client. */
export type CertificateEnd = {
  /** `server`, `authority`, `client hospital-a`. */
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How long it was good for when it was new, in milliseconds, where it renews by itself long before its end. */
  readonly lifetime?: number
}

export type GaugesDeps = {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Runs that are not over, the newest first. */
  readonly active: () => Promise<readonly RunView[]>
  readonly certificates: () => readonly CertificateEnd[]
  readonly room: StoreRoom | undefined
}

const STORE_EVERY_MS = 5 * 60 * 1_000

/** Measures, whenever metrics are asked for, what is not counted as it happens. */
export function measureWhenAsked(metrics: MetricsRegistry, { clock, active, certificates, room }: GaugesDeps): void {
  metrics.beforeRender(async () => setRunGauges(metrics, await active()))
  metrics.beforeRender(() => {
    const series = certificates().map(({ name, at }) => ({ labels: { certificate: name }, value: at / 1_000 }))
    metrics.replace('certificateEnd', series)
  })
  if (room === undefined) {
    // A gauge without labels says 0 before it is set.
    metrics.replace('storeBytes', [])
    metrics.replace('storeFreeBytes', [])
    return
  }
  metrics.beforeRender(async () => metrics.set('storeFreeBytes', {}, await room.free()))
  let measured: number | undefined
  metrics.beforeRender(async () => {
    const now = clock.monotonic()
    if (measured !== undefined && now - measured < STORE_EVERY_MS) return
    measured = now
    metrics.set('storeBytes', {}, await room.used())
  })
}
