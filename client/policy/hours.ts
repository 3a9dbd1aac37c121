const days: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** A span of a day in a time zone, which may pass midnight; then it belongs to the day on which it begins. */
export type Hours = {
  /** Minutes since midnight, from 0 to 1440; `to` is no longer inside. */
  readonly from: number
  readonly to: number
  /** 0 is Monday. */
  readonly days: ReadonlySet<number>
  readonly zone: string
}

const FORM = /^(?:([a-z]{3}(?:[-,][a-z]{3})*) )?(\d{2}):(\d{2})-(\d{2}):(\d{2}) ([A-Za-z0-9_+/-]{1,64})$/

/** Reads `22:00-05:00 Europe/Zurich`, `mon-fri 08:00-18:00 UTC`, `sat,sun 00:00-24:00 UTC`; undefined for anything else. */
export function parseHours(text: string): Hours | undefined {
  const [found, named, ...rest] = FORM.exec(text) ?? []
  if (found === undefined) return undefined
  const zone = rest.pop() ?? ''
  const [h1 = 0, m1 = 0, h2 = 0, m2 = 0] = rest.map(Number)
  const [from, to] = [60 * h1 + m1, 60 * h2 + m2]
  if (m1 > 59 || m2 > 59 || from >= 1440 || to > 1440 || to === 0 || from === to || !isZone(zone)) return undefined
  const on = named === undefined ? new Set(days.keys()) : daysOf(named)
  return on === undefined ? undefined : { from, to, days: on, zone }
}

/** Whether `now` (ms since the epoch) lies within, by the clocks of the zone. */
export function withinHours({ from, to, days: on, zone }: Hours, now: number): boolean {
  const { day, minutes } = localTime(now, zone)
  if (from < to) return on.has(day) && minutes >= from && minutes < to
  return (on.has(day) && minutes >= from) || (on.has((day + 6) % 7) && minutes < to)
}

export function isZone(zone: string): boolean {
  try {
    return formatOf(zone) !== undefined
  } catch {
    return false
  }
}

/** The calendar day in the zone: `2027-01-31`. */
export function dayIn(now: number, zone: string): string {
  const { date } = localTime(now, zone)
  return date
}

function daysOf(named: string): Set<number> | undefined {
  const on = new Set<number>()
  for (const part of named.split(',')) {
    const [first = -1, last = first, more] = part.split('-').map((day) => days.indexOf(day))
    if (first < 0 || last < 0 || more !== undefined) return undefined
    for (let day = first; ; day = (day + 1) % 7) {
      on.add(day)
      if (day === last) break
    }
  }
  return on
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  formats.set(zone, format)
  return format
}

function localTime(now: number, zone: string): { day: number; minutes: number; date: string } {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  )
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? ''
  return {
    day: days.indexOf(of('weekday').toLowerCase()),
    minutes: 60 * Number(of('hour')) + Number(of('minute')),
    date: `${of('year')}-${of('month')}-${of('day')}`,
  }
}
