/** Figures, times and sizes as the pages write them. */

export const NONE = '–'

/** A measured value with four significant digits; a dash where it is not defined. */
export function figure(value: number | string | null | undefined): string {
  if (value === null || value === undefined) return NONE
  const number = Number(value)
  if (!Number.isFinite(number)) return String(value)
  return Number.isInteger(number) && Math.abs(number) < 1e6 ? String(number) : String(Number(number.toPrecision(4)))
}

/** Bytes in units of 1,000. */
export function byteText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** Milliseconds in words: `4.2 s`, `3 min 5 s`, `2 h 10 min`. Negative ones are none. */
export function durationText(ms: number): string {
  if (!Number.isFinite(ms)) return NONE
  const seconds = Math.max(0, ms) / 1_000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** `2026-01-31 23:59:59 UTC` from RFC 3339 in UTC; anything else as it is. */
export function timeText(iso: string): string {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(iso) ?? []
  return day === undefined ? iso : `${day} ${time} UTC`
}

/** The first twelve digits of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12)
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
