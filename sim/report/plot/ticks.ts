import { BYTE_UNITS } from '../page/text.ts'

export type Tick = { readonly value: number; readonly label: string }

/** What is counted along an axis, which says where its ticks may stand and how they are written. */
export type Quantity = 'number' | 'integer' | 'bytes' | 'duration'

/** The least of 1, 2 and 5 × 10ⁿ that divides `span` into at most `most` steps. */
export function niceStep(span: number, most: number): number {
  const raw = span / most
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= raw * (1 - 1e-9)) ?? 10
  return factor * power
}

/** Of a ladder of steps the least that divides `span` into at most `most`. */
function ladderStep(span: number, most: number, ladder: readonly number[]): number {
  return ladder.find((step) => step * most >= span * (1 - 1e-9)) ?? niceStep(span, most)
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const DURATIONS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200].map((n) => n * DAY),
]

export function stepOf(quantity: Quantity, span: number, most: number): number {
  if (!(span > 0)) return 1
  switch (quantity) {
    case 'number':
      return niceStep(span, most)
    case 'integer':
      return Math.max(1, niceStep(span, most))
    case 'bytes': {
      const unit = 1024 ** Math.max(0, Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(span) / 10)))
      const step = niceStep(span / unit, most) * unit
      return unit === 1 ? Math.max(1, step) : step
    }
    case 'duration':
      return ladderStep(span, most, DURATIONS)
    default:
      return quantity satisfies never
  }
}

/** The multiples of a step from `min` to `max`. */
export function ticksOf(quantity: Quantity, min: number, max: number, step: number): Tick[] {
  const first = Math.ceil(min / step - 1e-6)
  const last = Math.floor(max / step + 1e-6)
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const value = Number(((first + i) * step).toPrecision(12))
    return { value, label: labelOf(quantity, value, step) }
  })
}

function labelOf(quantity: Quantity, value: number, step: number): string {
  switch (quantity) {
    case 'number':
    case 'integer':
      return numberLabel(value, step)
    case 'bytes':
      return byteLabel(value, step)
    case 'duration':
      return durationLabel(value, step)
    default:
      return quantity satisfies never
  }
}

function numberLabel(value: number, step: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || step < 1e-4)) return exponent(value)
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const [whole = '', rest] = Math.abs(value).toFixed(decimals).split('.')
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return `${value < 0 ? '−' : ''}${apart}${rest === undefined ? '' : `.${rest}`}`
}

function byteLabel(value: number, step: number): string {
  if (value === 0) return '0'
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10 + 1e-9))
  const unit = 1024 ** power
  return `${Number((value / unit).toFixed(step < unit / 10 ? 2 : 1))} ${BYTE_UNITS[power]}`
}

function durationLabel(value: number, step: number): string {
  if (value === 0) return '0'
  const [unit, name] =
    step >= DAY
      ? [DAY, 'd']
      : step >= HOUR
        ? [HOUR, 'h']
        : step >= MINUTE
          ? [MINUTE, 'min']
          : step >= SECOND
            ? [SECOND, 's']
            : [1, 'ms']
  return `${numberLabel(value / (unit as number), step / (unit as number))} ${name}`
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

function exponent(value: number): string {
  const power = Math.floor(Math.log10(Math.abs(value)) + 1e-9)
  const factor = Number((value / 10 ** power).toPrecision(3))
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')
  const tens = `10${power < 0 ? '⁻' : ''}${digits}`
  return factor === 1 ? tens : `${factor}·${tens}`.replace('-', '−')
}

/** Ticks of a logarithmic axis: powers of ten, and where there are few of them their 2 and 5 as well. */
export function logTicks(min: number, max: number, most: number): Tick[] {
  const low = Math.floor(Math.log10(min) + 1e-9)
  const high = Math.ceil(Math.log10(max) - 1e-9)
  const factors = high - low <= 2 ? [1, 2, 5] : [1]
  const stride = Math.max(1, Math.ceil((high - low + 1) / most))
  const ticks: Tick[] = []
  for (let power = low; power <= high; power += stride) {
    for (const factor of factors) {
      const value = Number(`${factor}e${power}`)
      if (value >= min * (1 - 1e-9) && value <= max * (1 + 1e-9)) ticks.push({ value, label: logLabel(value, power) })
    }
  }
  return ticks
}

function logLabel(value: number, power: number): string {
  return power < -3 || power > 4 ? exponent(value) : numberLabel(value, 10 ** Math.min(0, power))
}
