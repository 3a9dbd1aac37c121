const DAY_MS = 86_400_000

/** A calendar day, `2027-01-31`. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const at = Date.parse(`${text}T00:00:00Z`)
  return Number.isFinite(at) && new Date(at).toISOString().slice(0, 10) === text
}

/** A time in UTC, `2027-01-31T12:00:00Z`. */
export function isInstant(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/.test(text) &&
    isDay(text.slice(0, 10)) &&
    Number.isFinite(Date.parse(text))
  )
}

/** When it begins, in ms since the epoch: a day with its first moment in UTC. */
export function beginningOf(text: string): number {
  return Date.parse(isDay(text) ? `${text}T00:00:00Z` : text)
}

/** When it is over: a day with the beginning of the next in UTC, a time with itself. */
export function endOf(text: string): number {
  return isDay(text) ? beginningOf(text) + DAY_MS : beginningOf(text)
}

/** Why `now` lies outside, in words. */
export function validityProblem(
  valid: { readonly from?: string | undefined; readonly until?: string | undefined } | undefined,
  now: number,
): string | undefined {
  if (valid?.from !== undefined && now < beginningOf(valid.from)) return `is not valid before ${valid.from}`
  if (valid?.until !== undefined && now >= endOf(valid.until)) return `is not valid after ${valid.until}`
  return undefined
}
