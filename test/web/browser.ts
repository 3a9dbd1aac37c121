/** Debian's Chromium on pages of a coordinator, and all that goes wrong in it. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { builtDashboard } from '../../server/http/static.ts'
import { PASSWORD, type TestMember } from '../support/people.ts'
import { root } from '../support/source-files.ts'

export const CHROMIUM = '/usr/bin/chromium'
export const present = existsSync(CHROMIUM)

export async function launch(): Promise<Browser> {
  if (!existsSync(join(builtDashboard(), 'index.html'))) throw new Error('`npm run build` makes the dashboard first')
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  })
}

/** What a page must never say; a status in it may be foreseen by a test. */
export class Sight {
  readonly page: Page
  readonly problems: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(15_000)
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text())
    })
    page.on('pageerror', (error) => this.problems.push(String(error)))
  }

  static async of(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Sight> {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 }, ...options })
    const page = await context.newPage()
    const sight = new Sight(page)
    const own = new URL(url).origin
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== own) sight.problems.push(`it asked ${request.url()}`)
    })
    await page.goto(url)
    return sight
  }

  async signIn(member: TestMember, later = 0): Promise<void> {
    await this.page.getByLabel('Name').fill(member.record.name)
    await this.page.getByLabel('Password').fill(PASSWORD)
    await this.page.getByLabel(/^Code/).fill(member.code(later))
    await this.page.getByRole('button', { name: 'Sign in' }).click()
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).waitFor()
  }

  /** Opens the form of an act, and does it for a reason. */
  async giveReason(act: string, reason: string): Promise<void> {
    const form = this.page.getByRole('group').filter({ hasText: `${act}…` })
    await form.getByText(`${act}…`).click()
    await form.getByLabel('Reason, for the record').fill(reason)
    await form.getByRole('button', { name: act }).click()
  }

  /** Takes out of the problems what a test has foreseen, which must be there. */
  foreseen(pattern: RegExp): void {
    const rest = this.problems.filter((text) => !pattern.test(text))
    expect(rest.length, `nothing was said of ${pattern}`).toBeLessThan(this.problems.length)
    this.problems.splice(0, this.problems.length, ...rest)
  }

  /** Ends a look at pages on which nothing else may have gone wrong. */
  async end(): Promise<void> {
    await this.page.context().close()
    expect(this.problems).toEqual([])
  }

  /** The page must not be wider than the window. */
  async expectNoSidewaysScroll(): Promise<void> {
    const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    await expect.poll(() => this.page.evaluate(wider)).toBe(0)
  }

  /** What is seen now fits the window; with `PARLEY_PICTURES=1` it becomes a picture of the documentation. */
  async picture(name: string): Promise<void> {
    await this.expectNoSidewaysScroll()
    if (process.env.PARLEY_PICTURES !== '1') return
    const folder = join(root, 'docs/pictures')
    await mkdir(folder, { recursive: true })
    await this.page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
  }
}
