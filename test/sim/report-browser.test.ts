/** Reports in a real browser; skipped where Debian's `chromium` is not installed. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { compareReport, runReport, sweepReport } from '../../sim/index.ts'
import { escaped } from '../../sim/report/page/markup.ts'
import { madeResult, madeSweep } from './report-results.ts'

const CHROMIUM = '/usr/bin/chromium'
const present = existsSync(CHROMIUM)
const run = promisify(execFile)
/** Measures a document, in the browser. */
const measure = readFileSync(new URL('report-measure.js', import.meta.url), 'utf8')

const run10 = madeResult()
const documents = {
  'a run': runReport(run10),
  'a run of 300 clients': runReport(madeResult({ clients: 300, attackers: 30, rounds: 80, cohort: 40, rule: 'kept' })),
  'a sweep': sweepReport(
    madeSweep({
      'plan.aggregation.rule': ['mean', 'trimmed-mean', 'geometric-median'],
      'world.attackers.attack': ['sign-flip', 'alie-optimised', 'inner-product-optimised'],
      'world.attackers.count': ['1', '2'],
    }),
  ),
  'a comparison': compareReport(run10, madeResult({ rounds: 20 })),
} as const
const names = Object.keys(documents) as (keyof typeof documents)[]
const widths = [1_280, 400]

/** What the test itself must be able to see: a text out of its picture, two on top of each other, a box wider than the page. */
const BROKEN = `<!DOCTYPE html><html><body style="width:3000px"><p>wide</p><svg class="plot" width="300" height="100">
<text x="290" y="50">outside</text><text x="10" y="20">under</text><text x="12" y="21">over</text>
<text x="10" y="80" font-size="5">small</text></svg></body></html>`

type Measured = {
  readonly width: number
  readonly scroll: number
  readonly svgs: number
  readonly drawn: number
  readonly sections: readonly string[]
  readonly cells: number
  readonly lines: number
  readonly small: readonly string[]
  readonly outside: readonly string[]
  readonly overflowing: readonly string[]
  readonly colliding: readonly string[]
}

/** A page with each document in a frame of each width; a telephone's is less than a window may have. */
function framed(): string {
  const frames = [...Object.entries(documents), ['broken', BROKEN] as const].flatMap(([name, html]) =>
    widths.map((width) => {
      const id = escaped(`${name}, ${width}`)
      return `<iframe id="${id}" width="${width}" height="1000" style="border:0" srcdoc="${escaped(html)}"></iframe>`
    }),
  )
  return `<!DOCTYPE html><html><body>${frames.join('')}<script>addEventListener('load', () => {
  ${measure}
  const results = [...document.querySelectorAll('iframe')].map((frame) => [frame.id, measure(frame.contentDocument)])
  const out = document.createElement('pre')
  out.textContent = JSON.stringify(results)
  document.body.replaceChildren(out)
})</script></body></html>`
}

type Output = { readonly stdout: string; readonly stderr: string }

/** Opens a document in a browser with an empty profile. */
async function inBrowser<T>(
  html: string,
  flags: readonly string[],
  read: (folder: string, out: Output) => T,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-report-'))
  try {
    const file = join(folder, 'report.html')
    await writeFile(file, html)
    const all = [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update', '--hide-scrollbars'],
      ...['--enable-logging=stderr', '--window-size=1280,1600', `--user-data-dir=${join(folder, 'profile')}`],
      ...flags.map((flag) => flag.replace('FOLDER', folder)),
      pathToFileURL(file).href,
    ]
    return await read(folder, await run(CHROMIUM, all, { maxBuffer: 2 ** 26, timeout: 90_000 }))
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** What the console of the page said; the browser's own words are of no interest. */
const spoken = (stderr: string) => stderr.split('\n').filter((line) => line.includes('CONSOLE'))

const dark = ['--force-dark-mode', '--blink-settings=preferredColorScheme=0']
const skipped = present ? '' : ' (skipped: it is not installed)'

describe.skipIf(!present)(`reports in ${CHROMIUM}${skipped}`, { timeout: 120_000 }, () => {
  const results = new Map<string, Measured>()
  const of = (name: string, width: number) => results.get(`${name}, ${width}`)!

  beforeAll(async () => {
    const json = await inBrowser(framed(), ['--dump-dom'], (_, { stdout, stderr }) => {
      expect(spoken(stderr)).toEqual([])
      return /<pre>(.*?)<\/pre>/s.exec(stdout)?.[1] ?? ''
    })
    const plain = json.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
    for (const [name, measured] of JSON.parse(plain) as [string, Measured][]) results.set(name, measured)
  }, 120_000)

  test.each(names.flatMap((name) => widths.map((width) => [name, width] as const)))(
    '%s, %i pixels wide: nothing is cut off, on top of another, or too small',
    (name, width) => {
      const measured = of(name, width)
      expect(measured).toMatchObject({ width, scroll: width, overflowing: [], outside: [], colliding: [], small: [] })
      expect(measured.svgs).toBeGreaterThan(4)
      expect(measured.drawn).toBe(measured.svgs)
    },
  )

  test('a page that is broken would be seen to be', () => {
    const { outside, colliding, small, overflowing } = of('broken', 400)
    expect({ outside, colliding, small }).toEqual({ outside: ['outside'], colliding: ['under'], small: ['small'] })
    expect(overflowing).not.toEqual([])
  })

  test('a run has its sections, a cell for each update, and its lines', () => {
    const { sections, cells, lines } = of('a run', 1_280)
    expect(sections).toEqual(['learning', 'updates', 'evaluation', 'traffic', 'data'])
    const updates = run10.rounds.reduce((sum, { robustness }) => sum + (robustness?.clients.length ?? 0), 0)
    // Three heatmaps, and the confusion of ten classes.
    expect(cells).toBeGreaterThan(3 * updates + 100)
    expect(lines).toBeGreaterThanOrEqual(12)
  })

  test('a document from a file breaks none of its own rules, and follows the theme of the screen', async () => {
    const shot = [...dark, '--screenshot=FOLDER/shot.png']
    const picture = await inBrowser(documents['a run'], shot, async (folder, { stderr }) => {
      expect(spoken(stderr)).toEqual([])
      return await readFile(join(folder, 'shot.png'))
    })
    expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([1_280, 1_600])
    const bytes = pixels(picture)
    // The first pixel, after the byte that says how its line is packed: the ground of the dark theme.
    expect([...bytes.subarray(1, 4)]).toEqual([0x11, 0x15, 0x1a])
    expect(new Set(bytes).size).toBeGreaterThan(50)
  })

  test('it has no power to run a script', async () => {
    const forged = documents['a run'].replace('</main>', '<script>document.title = "it ran"</script></main>')
    const { stdout, stderr } = await inBrowser(forged, ['--dump-dom'], (_, out) => out)
    expect(stdout.includes('<title>it ran</title>')).toBe(false)
    expect(spoken(stderr).join()).toContain('Content Security Policy')
  })
})

/** The picture's lines as they are packed, each led by a byte that says how: enough to tell a page from a blank one. */
function pixels(png: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  return inflateSync(Buffer.concat(parts))
}
