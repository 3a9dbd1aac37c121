/** Figures as people read them. `null` is a figure that is not defined. */

const NONE = '–'

/** Keeps a number and its unit on one line. */
const NBSP = '\u00a0'

export function figure(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE
  const size = Math.abs(value)
  if (size !== 0 && (size < 0.5 * 10 ** -digits || size >= 100_000)) return value.toExponential(2).replaceAll('-', '−')
  return value.toFixed(digits).replace('-', '−')
}

/** With its sign: how much more or less. */
export function difference(value: number | null): string {
  return value !== null && value > 0 ? `+${figure(value)}` : figure(value)
}

export function percent(share: number | null): string {
  return share === null || !Number.isFinite(share) ? NONE : `${(100 * share).toFixed(1).replace(/\.0$/, '')}${NBSP}%`
}

/** Thousands apart: 12,345. Not every count is whole: a mean over several rounds has one decimal. */
export function count(value: number): string {
  const [whole = '', decimals] = (Number.isInteger(value) ? String(value) : value.toFixed(1)).split('.')
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return decimals === undefined || decimals === '0' ? apart : `${apart}.${decimals}`
}

export function plural(n: number, noun: string, many = `${noun}s`): string {
  return `${count(n)} ${n === 1 ? noun : many}`
}

export const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

export function bytes(value: number): string {
  const power = Math.max(0, Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10)))
  const scaled = value / 1024 ** power
  return `${power === 0 ? count(scaled) : short(scaled)}${NBSP}${BYTE_UNITS[power]}`
}

/** Of milliseconds, in at most two units. */
export function duration(ms: number): string {
  if (ms === 0) return `0${NBSP}s`
  if (ms < 1) return `<${NBSP}1${NBSP}ms`
  if (ms < 1_000) return `${short(ms)}${NBSP}ms`
  if (ms < 60_000) return `${short(ms / 1_000)}${NBSP}s`
  return twoUnits(Math.round(ms / 1_000))
}

function twoUnits(seconds: number): string {
  const units: readonly [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = Math.max(
    0,
    units.findIndex(([size]) => seconds >= size),
  )
  const words: string[] = []
  let rest = seconds
  for (const [size, name] of units.slice(first, first + 2)) {
    const n = Math.floor(rest / size)
    if (n > 0) words.push(`${n}${NBSP}${name}`)
    rest -= n * size
  }
  return words.join(' ')
}

/** Three digits that count, without noughts at the end. */
function short(value: number): string {
  return String(Number(value.toPrecision(value >= 1_000 ? 4 : 3)))
}

/** The first of the names, and how many more there are. */
export function listed(names: readonly string[], most = 5): string {
  if (names.length === 0) return 'none'
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${count(names.length - most)} more` : shown
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
