/** People, their accounts and their tokens in a real browser. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM, launch, present, Sight } from './browser.ts'
import { codeOf } from './second-factor.ts'
import { setUp } from './set-up.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'
const OWN = 'a password of my own'

describe.skipIf(!present)(`people in ${CHROMIUM}${skipped}`, { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  it('are added, and set up their own account in the browser before they may do anything else', async () => {
    const { server, add } = await setUp()
    const sight = await Sight.of(browser, `${server.url}/#/people`)
    const { page } = sight
    await sight.signIn(await add(['admin']))
    await page.getByText('Add a person…').click()
    await page.getByLabel('Name, as it is used to sign in').fill('bo')
    await page.getByLabel('operator').check()
    await page.getByRole('button', { name: 'Add a person' }).click()
    const first = (await page.locator('pre.secret').textContent()) ?? ''
    await page.getByRole('region', { name: 'Members, by name' }).getByRole('row', { name: /^bo/ }).waitFor()
    await sight.picture('people')

    const other = await Sight.of(browser, `${server.url}/#/models`)
    const bo = other.page
    await bo.getByLabel('Name').fill('bo')
    await bo.getByLabel('Password').fill(first)
    await bo.getByRole('button', { name: 'Sign in' }).click()
    await bo.getByRole('heading', { name: 'Set up your account' }).waitFor()
    await expect.poll(() => bo.getByRole('link', { name: 'Start a run' }).count()).toBe(0)
    await bo.getByLabel('Present password').fill(first)
    await bo.getByLabel('New password', { exact: true }).fill(OWN)
    await bo.getByLabel('New password, again').fill(`${OWN}!`)
    await bo.getByText('The two are not the same.').waitFor()
    await bo.getByLabel('New password, again').fill(OWN)
    await bo.getByRole('button', { name: 'Set the password' }).click()
    await bo.getByRole('button', { name: 'Set up a second factor' }).click()
    await bo.getByRole('img', { name: /^QR code/ }).waitFor()
    await other.picture('account-set-up')
    await bo.getByLabel('The code that it shows').fill('000000')
    await bo.getByRole('button', { name: 'Confirm' }).click()
    await bo.getByRole('alert').getByText('auth.failed').waitFor()
    await bo.getByLabel('The code that it shows').fill(await codeOf(bo))
    await bo.getByRole('button', { name: 'Confirm' }).click()
    await bo.getByText('The second factor is set up.').waitFor()
    await expect.poll(async () => ((await bo.locator('pre.secret').textContent()) ?? '').split('\n').length).toBe(10)
    await bo.getByRole('button', { name: 'I have kept them' }).click()
    await bo.getByRole('heading', { name: 'Versions', exact: true }).waitFor()
    await bo.getByRole('link', { name: 'Start a run' }).waitFor()
    other.foreseen(/401/)
    await other.end()
    await sight.end()
  })

  it('are given roles and lose them, are disabled, and get another first password, by somebody else', async () => {
    const { server, add, store } = await setUp()
    const boss = await add(['admin'])
    const { record: bo } = await add(['operator'])
    const sight = await Sight.of(browser, `${server.url}/#/people/${bo.id}`)
    const { page } = sight
    await sight.signIn(boss)
    const roles = page.getByRole('region', { name: `Roles of ${bo.name}` })
    await page.getByText('Give a role…').click()
    await page.getByRole('combobox', { name: /^Role/ }).selectOption('auditor')
    await page.getByLabel(/^Until the end of this day/).fill('2099-12-31')
    await page.getByRole('button', { name: 'Give a role' }).click()
    await roles.getByText('2099-12-31 23:59:59 UTC').waitFor()
    await page.evaluate('scrollTo(0, 0)')
    await sight.picture('member')
    await page.getByRole('button', { name: 'Take away operator' }).click()
    await roles.getByRole('row', { name: /^operator/ }).waitFor({ state: 'detached' })
    const act = async (title: string) => {
      await page.getByText(`${title}…`).click()
      await page.getByRole('button', { name: title }).click()
    }
    await act('Disable it')
    await page.locator('.facts').getByText('disabled').waitFor()
    await act('Enable it again')
    await page.locator('.facts').getByText('active').waitFor()
    await act('Reset the second factor')
    await page.locator('.facts').getByText('not set up').waitFor()
    await act('Reset the password')
    await page.locator('pre.secret').waitFor()
    await page.locator('.facts').getByText('not set up yet').waitFor()
    await page.goto(`${server.url}/#/people/${boss.record.id}`)
    await page.getByText('Nobody gives themselves a role').waitFor()
    await expect.poll(() => page.getByText('Give a role…').count()).toBe(0)
    await expect.poll(() => page.getByText('Reset the password…').count()).toBe(0)
    expect((await store.members.member(bo.id))?.grants.map(({ role }) => role)).toContain('auditor')
    await sight.end()
  })

  it('make tokens for programs, see them once, and revoke them', async () => {
    const { server, add } = await setUp()
    const sight = await Sight.of(browser, `${server.url}/#/account`)
    const { page } = sight
    await sight.signIn(await add(['operator']))
    await page.getByText('Make a token…').click()
    await page.getByLabel('What it is for').fill('nightly')
    await page.getByLabel('run.read').check()
    await page.getByRole('button', { name: 'Make a token' }).click()
    const secret = page.locator('pre.secret')
    await secret.waitFor()
    const authorization = `Bearer ${await secret.textContent()}`
    const ask = async (path: string) => (await fetch(server.url + path, { headers: { authorization } })).status
    expect([await ask('/v1/runs'), await ask('/v1/requests')]).toEqual([200, 403])
    await page.evaluate('scrollTo(0, 0)')
    await sight.picture('account')
    await page.getByRole('button', { name: 'Revoke nightly' }).click()
    await page
      .getByRole('region', { name: /^Tokens of programs/ })
      .getByText('revoked')
      .waitFor()
    expect(await ask('/v1/runs')).toBe(401)
    await page.reload()
    await page
      .getByRole('region', { name: /^Tokens of programs/ })
      .getByText('nightly')
      .waitFor()
    await expect.poll(() => secret.count()).toBe(0)
    await sight.end()
  })

  it('change their password and second factor, and sign out everywhere', async () => {
    const { server, add, store } = await setUp()
    const member = await add(['viewer'])
    const sight = await Sight.of(browser, `${server.url}/#/account`)
    const { page } = sight
    await sight.signIn(member)
    await page.getByLabel('Present password').fill('wrong')
    await page.getByLabel('New password', { exact: true }).fill(OWN)
    await page.getByLabel('New password, again').fill(OWN)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByRole('alert').getByText('the present password is wrong').waitFor()
    await page.getByLabel('Present password').fill('a long enough password')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByText('The password is set.').waitFor()
    await page.getByLabel('A code of the present second factor').fill(member.code(1))
    await page.getByRole('button', { name: 'Set up a second factor' }).click()
    await page.locator('[data-secret]').waitFor()
    await page.getByLabel('The code that it shows').fill(await codeOf(page))
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('button', { name: 'I have kept them' }).click()
    await page.getByRole('button', { name: 'Set up a second factor' }).waitFor()
    expect((await store.members.member(member.record.id))?.recoveryCodes).toHaveLength(10)
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByText('You are signed out.').waitFor()
    sight.foreseen(/401/)
    await sight.end()
  })

  it('are shown to auditors without acts, and not to operators', async () => {
    const { server, add } = await setUp()
    const { record } = await add(['operator'])
    const sight = await Sight.of(browser, `${server.url}/#/people`)
    const { page } = sight
    await sight.signIn(await add(['auditor']))
    await page.getByRole('link', { name: record.name }).click()
    await page.getByRole('region', { name: `Roles of ${record.name}` }).waitFor()
    await expect.poll(() => page.getByText('What can be done').count()).toBe(0)
    await expect.poll(() => page.getByRole('button', { name: /^Take/ }).count()).toBe(0)
    await sight.end()
    const other = await Sight.of(browser, server.url)
    await other.signIn(await add(['operator']))
    await other.page.getByRole('link', { name: 'Clients' }).waitFor()
    await expect.poll(() => other.page.getByRole('link', { name: 'People' }).count()).toBe(0)
    await other.end()
  })
})
