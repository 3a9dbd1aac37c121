/** The dashboard in a real browser; skipped where Debian's `chromium` is not installed. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunView } from '../../core/run/view.ts'
import { running } from '../server/http-fixtures.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'
import { pushed, setUp } from './set-up.ts'
import { publishedView, richView } from './views.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'

describe.skipIf(!present)(`the dashboard in ${CHROMIUM}${skipped}`, { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  it('lets members in with their second factor, says what is wrong otherwise, and lets them out', async () => {
    const { server, add } = await setUp()
    const member = await add(['operator'])
    const sight = await Sight.of(browser, server.url)
    const { page } = sight
    await page.locator('input[name=name]:focus').waitFor()
    await sight.picture('sign-in')
    await page.getByLabel('Name').fill(member.record.name)
    await page.getByLabel('Password').fill('wrong')
    await page.keyboard.press('Enter')
    const alert = page.getByRole('alert')
    await alert.waitFor()
    await expect.poll(() => alert.textContent()).toContain('auth.failed')
    sight.foreseen(/401/)
    await sight.signIn(member)
    await expect.poll(() => page.evaluate('document.cookie')).toBe('')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You are signed out.').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await sight.end()
  })

  it('leads back to the page where a session ended', async () => {
    const { server, add } = await setUp()
    const member = await add(['operator'])
    const sight = await Sight.of(browser, `${server.url}/#/models/heart`)
    const { page } = sight
    await sight.signIn(member)
    await page.getByRole('heading', { name: 'Versions of heart' }).waitFor()
    await page.getByRole('link', { name: 'Start a run' }).click()
    await page.getByLabel('Plan (YAML)').fill('parley: 1')
    await page.evaluate(`fetch('/v1/sessions', { method: 'DELETE', headers: { 'x-parley-request': '1' } })`)
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText('Your session has ended').waitFor()
    await sight.signIn(member, 1)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('link', { name: 'Start a run' }).click()
    await expect.poll(() => page.getByLabel('Plan (YAML)').inputValue()).toBe('parley: 1')
    sight.foreseen(/401/)
    await sight.end()
  })

  it('shows a run as it goes on, and to whom may stop it, the way to do so', async () => {
    const { server, add } = await setUp()
    const { stream, push } = pushed()
    server.api.watch = () => stream()
    push(richView())
    const sight = await Sight.of(browser, `${server.url}/#/runs/run_1`)
    const { page } = sight
    await sight.signIn(await add(['operator']))
    await page.getByText('Live.').waitFor()
    const status = page.getByRole('status').first()
    await expect.poll(() => status.textContent()).toBe('Round 7 of 12, collecting, 1 of 4 clients done, 1 refused.')
    await sight.picture('run')
    const cohort = page.getByRole('region', { name: 'Clients of the open round' })
    await expect.poll(() => cohort.getByRole('row', { name: /hospital-b/ }).textContent()).toContain('uploads')
    await expect
      .poll(() => cohort.getByRole('row', { name: /hospital-d/ }).textContent())
      .toContain('update.norm-limit')
    await expect.poll(() => page.locator('[data-left]').textContent()).toMatch(/^1 min \d+ s, until/)
    await expect.poll(() => page.getByText(/^ε/).textContent()).toBe('ε 1.834 of 4 at δ 0.00001, 6 rounds, pld')
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(2)
    await page.getByText('The figures as a table').click()
    const figures = page.getByRole('region', { name: 'Metrics on held-out rows by round' })
    await expect.poll(() => figures.getByRole('row').count()).toBe(7)
    await expect.poll(() => page.getByText('hospital-d: marked in 5 of 6 rounds').count()).toBe(1)
    await page.getByText('Robustness of round 6').scrollIntoViewIfNeeded()
    await sight.picture('run-robustness')

    await sight.giveReason('Pause this run', 'the data are looked at')
    await page.getByText('The run is paused.').waitFor()
    expect(server.api.paused).toEqual([['run_1', 'the data are looked at']])
    push(richView({ paused: { at: '2026-01-02T09:08:00.000Z', reason: 'the data are looked at' } }))
    await page.getByText('Paused since 2026-01-02 09:08:00 UTC: the data are looked at').waitFor()
    await expect
      .poll(() => status.textContent())
      .toBe('Round 7 of 12, collecting, then paused, 1 of 4 clients done, 1 refused.')
    await sight.giveReason('Let this run go on', 'they are fine')
    await page.getByText('The run goes on.').waitFor()
    expect(server.api.resumed).toEqual([['run_1', 'they are fine']])

    await sight.giveReason('Stop this run', 'the data are wrong')
    await page.getByText('The run is stopped.').waitFor()
    expect(server.api.stopped).toEqual([['run_1', 'the data are wrong']])

    push(publishedView())
    await page.getByRole('link', { name: 'heart v2' }).waitFor()
    await expect.poll(() => status.textContent()).toBe('The run is over: published as version 2.')
    const gates = page.getByRole('region', { name: 'Gates and their verdicts' })
    await expect
      .poll(() => gates.getByRole('row', { name: /auc-min \(hard\)/ }).textContent())
      .toContain('0.821 to 0.889 (95 %)')
    await expect.poll(() => cohort.count()).toBe(0)
    await sight.end()
  })

  it('follows all runs on the overview', async () => {
    const { server, add } = await setUp()
    let push = (_runs: readonly RunView[]) => {}
    const later = new Promise<readonly RunView[]>((resolve) => {
      push = resolve
    })
    server.api.watchAll = async function* () {
      yield [richView({ history: [] })]
      yield await later
      await new Promise(() => {})
    }
    const sight = await Sight.of(browser, server.url)
    const { page } = sight
    await sight.signIn(await add(['viewer']))
    await page.getByText('Live.').waitFor()
    await page.getByText('Round 7 of 12, 1 of 4 clients are done').waitFor()
    push([richView(), { ...publishedView(), run: 'run_0' }])
    const over = page.getByRole('region', { name: 'Runs that are over, the newest first' })
    await over.getByRole('row', { name: /run_0/ }).getByText('published v2').waitFor()
    await expect.poll(() => page.locator('progress').first().getAttribute('value')).toBe('6')
    await sight.end()
  })

  it('shows nobody what they may not do', async () => {
    const { server, add } = await setUp()
    server.api.watch = () => pushed().stream()
    const { stream, push } = pushed()
    server.api.watch = () => stream()
    push(richView())
    const sight = await Sight.of(browser, `${server.url}/#/runs/run_1`)
    const { page } = sight
    await sight.signIn(await add(['viewer']))
    await page.getByText('Live.').waitFor()
    await expect.poll(() => page.getByText('Stop this run').count()).toBe(0)
    await expect.poll(() => page.getByRole('link', { name: 'Start a run' }).count()).toBe(0)
    await expect.poll(() => page.getByRole('link', { name: 'Audit' }).count()).toBe(0)
    await page.goto(`${server.url}/#/models/heart/2`)
    await page.getByRole('heading', { name: 'Gates' }).waitFor()
    await expect.poll(() => page.getByRole('heading', { name: 'Promote' }).count()).toBe(0)
    await sight.end()
  })

  it('goes on by itself after the coordinator was away', async () => {
    const { server, add, options } = await setUp()
    const first = pushed()
    server.api.watch = () => first.stream()
    first.push(richView())
    const sight = await Sight.of(browser, `${server.url}/#/runs/run_1`)
    const { page } = sight
    await sight.signIn(await add(['viewer']))
    await page.getByText('Live.').waitFor()
    const { port } = new URL(server.url)
    await server.http.stop()
    await page.getByText('The connection is lost').waitFor()
    // It has asked in vain at least once before the coordinator is back.
    await page.waitForEvent(
      'requestfailed',
      (request) => request.failure()?.errorText === 'net::ERR_CONNECTION_REFUSED',
    )
    const again = await running({ ...options, port: Number(port) })
    const second = pushed()
    again.api.watch = () => second.stream()
    second.push(richView({ round: 8 }))
    await page.getByText('Round 8 of 12').first().waitFor()
    await page.getByText('Live.').waitFor()
    sight.foreseen(/ERR_/)
    await sight.end()
  })

  it('moves an alias when a second person has confirmed it, and back', async () => {
    const { server, add, store } = await setUp()
    const [asks, confirms] = [await add(['operator']), await add(['approver'])]
    const sight = await Sight.of(browser, `${server.url}/#/models/heart/1`)
    const { page } = sight
    await sight.signIn(asks)
    await sight.giveReason('Point production at v1', 'v2 is worse at night')
    await page.getByText('It waits for a second person').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('button', { name: 'Take back' }).waitFor()
    await expect.poll(() => page.getByRole('button', { name: /^Confirm/ }).count()).toBe(0)

    const other = await Sight.of(browser, server.url)
    await other.signIn(confirms)
    await other.page.getByText('v2 is worse at night').waitFor()
    await other.picture('overview')
    await other.page.getByRole('button', { name: 'Confirm alias.promote' }).click()
    await other.page.getByText('Nothing waits.').waitFor()
    expect((await store.records.alias('heart', 'production'))?.version).toBe(1)
    await other.end()

    await page.goto(`${server.url}/#/models/heart`)
    await sight.giveReason('Roll production back', 'it was right')
    await page.getByRole('region', { name: 'Where aliases point' }).getByText('it was right').waitFor()
    expect((await store.records.alias('heart', 'production'))?.version).toBe(2)
    await sight.picture('versions')

    await page.goto(`${server.url}/#/models/heart/1`)
    await sight.giveReason('Withdraw it', 'two sites swapped labels')
    await page.getByText('withdrawn two sites swapped labels').waitFor()
    await expect.poll(() => page.getByText('Restore it…').count()).toBe(1)
    expect((await store.records.versionStates('heart')).at(-1)).toMatchObject({ number: 1, state: 'withdrawn' })
    await sight.end()
  })

  it('shows the evidence of a version, verifies it by the key, and compares it', async () => {
    const { server, add } = await setUp()
    const sight = await Sight.of(browser, `${server.url}/#/models/heart/2`)
    const { page } = sight
    await sight.signIn(await add(['auditor']))
    await page.getByRole('button', { name: 'Verify' }).waitFor()
    const facts = await page.locator('.facts').textContent()
    expect(facts).toContain('3 of 3 accepted, 0 refused')
    await expect.poll(() => page.locator('.card h3').textContent()).toBe('heart, version 2')
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('The version is what was signed with this key.').waitFor()
    const checks = page.getByRole('region', { name: 'Checks of the version' })
    await expect.poll(() => checks.getByText('pass').count()).toBe(11)
    await page.getByLabel('The coordinator’s key').fill('0'.repeat(64))
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Do not use it: signature failed.').waitFor()

    await page.goto(`${server.url}/#/models/heart/compare/1/2`)
    const same = page.getByRole('region', { name: 'Facts of both versions' })
    await expect.poll(() => same.getByRole('row', { name: /^Plan/ }).textContent()).toMatch(/yes$/)
    await expect.poll(() => same.getByRole('row', { name: /^Weights/ }).textContent()).toMatch(/no$/)
    await sight.picture('compare')
    await sight.end()
  })

  it('can be used at the width of a telephone, in the dark, and by the keyboard alone', async () => {
    const { server, add } = await setUp()
    const { stream, push } = pushed()
    server.api.watch = () => stream()
    push(richView())
    const phone = { viewport: { width: 320, height: 640 }, colorScheme: 'dark' } as const
    const sight = await Sight.of(browser, server.url, phone)
    const { page } = sight
    await sight.expectNoSidewaysScroll()
    await sight.signIn(await add(['operator', 'admin']))
    for (const path of [
      '',
      'runs/run_1',
      'models',
      'models/heart',
      'models/heart/2',
      'models/heart/compare/1/2',
      'start',
      'clients',
      'clients/hospital-d',
      'people',
      'account',
    ]) {
      await page.goto(`${server.url}/#/${path}`)
      await page.locator('main h1').waitFor()
      await page.waitForLoadState('networkidle').catch(() => {})
      await sight.expectNoSidewaysScroll()
      if (path === 'runs/run_1') await sight.picture('run-phone-dark')
    }
    sight.foreseen(/404/)
    await page.goto(`${server.url}/#/`)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.locator('h1:focus', { hasText: 'Overview' }).waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.locator('button:focus', { hasText: 'Sign out' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.getByRole('link', { name: 'Versions' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Versions' }).waitFor()
    await page.locator('h1:focus', { hasText: 'Versions' }).waitFor()
    await sight.end()
  })
})
