import { z } from 'zod'

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const form = 'a duration with its unit, such as 30s or 10m'

/** A duration with its unit: `250ms`, `30s`, `10m`, `2h`, `1d`. */
export const durationSchema = z.string({ error: form }).regex(/^\d{1,9}(ms|s|m|h|d)$/, form)

/** Milliseconds of a duration that `durationSchema` accepted. */
export function durationMs(duration: string): number {
  const unit = duration.replace(/^\d+/, '')
  return Number.parseInt(duration, 10) * (isUnit(unit) ? units[unit] : Number.NaN)
}

function isUnit(text: string): text is keyof typeof units {
  return Object.hasOwn(units, text)
}
