/** docs/getting-started.md with the dashboard: commands as they stand there, buttons as they are called there. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as path } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/source-files.ts'
import { type Block, blocksOf, Walker } from '../support/walk.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'
import { codeOf } from './second-factor.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'
const page = 'docs/getting-started.md'
const OWN = 'a password of my own'
const hospitals = [
  { 'hospital-a': 'hospital-a' },
  { 'hospital-a': 'hospital-b', cleveland: 'hungarian' },
  { 'hospital-a': 'hospital-c', cleveland: 'va' },
]

describe.skipIf(!present)(`getting started in ${CHROMIUM}${skipped}`, { timeout: 180_000 }, () => {
  let browser: Browser
  let folder: string
  let walker: Walker
  beforeAll(async () => {
    browser = await launch()
    folder = await mkdtemp(path(tmpdir(), 'parley-walk-'))
    walker = new Walker(folder)
  })
  afterAll(async () => {
    await browser.close()
    await walker.end()
    await rm(folder, { recursive: true, force: true })
  })

  /** A browser of somebody's own, which takes the certificate of a trial. */
  const atBrowser = () => Sight.of(browser, walker.url, { ignoreHTTPSErrors: true })

  async function setUpAccount(name: string, first: string): Promise<Sight> {
    const sight = await atBrowser()
    const at = sight.page
    await at.getByLabel('Name').fill(name)
    await at.getByLabel('Password').fill(first)
    await at.getByRole('button', { name: 'Sign in' }).click()
    await at.getByLabel('Present password').fill(first)
    await at.getByLabel('New password', { exact: true }).fill(OWN)
    await at.getByLabel('New password, again').fill(OWN)
    await at.getByRole('button', { name: 'Set the password' }).click()
    await at.getByRole('button', { name: 'Set up a second factor' }).click()
    await at.locator('[data-secret]').waitFor()
    await at.getByLabel('The code that it shows').fill(await codeOf(at))
    await at.getByRole('button', { name: 'Confirm' }).click()
    await at.getByRole('button', { name: 'I have kept them' }).click()
    await at.getByRole('link', { name: 'Versions' }).first().waitFor()
    return sight
  }

  async function add(at: Page, name: string, role: string): Promise<string> {
    await at.getByText('Add a person…').click()
    await at.getByLabel('Name, as it is used to sign in').fill(name)
    await at.getByLabel(role).check()
    await at.getByRole('button', { name: 'Add a person' }).click()
    await at
      .getByRole('region', { name: 'Members, by name' })
      .getByRole('row', { name: new RegExp(`^${name}`) })
      .waitFor()
    return (await at.locator('pre.secret').first().textContent()) ?? ''
  }

  async function follow(blocks: readonly Block[], instead = {}): Promise<void> {
    for (const block of blocks) await walker.follow(block, instead)
  }

  it('leads from nothing to a promoted version of three hospitals', async () => {
    await follow(await blocksOf(page, '### 1. The coordinator and its first', '### 2. People'))
    const ann = await setUpAccount('ann', walker.knows('PASSWORD'))
    await ann.page.getByRole('link', { name: 'People' }).click()
    const firsts = [await add(ann.page, 'bo', 'operator')]
    await ann.page.reload()
    firsts.push(await add(ann.page, 'cleo', 'approver'))
    const bo = await setUpAccount('bo', firsts[0]!)
    const cleo = await setUpAccount('cleo', firsts[1]!)

    const [join, rest, ...last] = await blocksOf(page, '### 3. Hospitals', '### 4. The plan')
    const policy = await blocksOf(page, '### 3. What its client may do', '### 4. Its client')
    await follow(policy.filter(({ text }) => text.includes('parley data')))
    for (const instead of hospitals) {
      const id = instead['hospital-a']
      const at = bo.page
      await at.goto(`${walker.url}/#/clients`)
      await at.reload()
      await at.getByText('Invite a client…').click()
      await at.getByLabel('Id of the client').fill(id)
      await at.getByRole('button', { name: 'Invite a client' }).click()
      await at.locator('pre.secret').waitFor()
      walker.learns('CODE', (await at.locator('pre.secret').textContent()) ?? '')
      await walker.follow(join!, instead)
      await at.getByText(`Let ${id} in…`).click()
      await at.getByText(walker.knows('FINGERPRINT')).first().waitFor()
      await at.getByLabel('They read this fingerprint out to me').check()
      await at.getByRole('button', { name: `Let ${id} in` }).click()
      await at
        .getByRole('region', { name: 'Clients of the federation' })
        .getByRole('row', { name: id })
        .getByText('active')
        .waitFor()
      await walker.follow(rest!, instead)
      await follow(
        policy.filter(({ language }) => language === 'yaml'),
        instead,
      )
      await follow(last, instead)
    }

    const at = bo.page
    const plan = (await blocksOf(page, '### 5. The plan', '### 6.'))[0]!
    await walker.follow({
      ...plan,
      text: plan.text
        .split('\n')
        .filter((line) => line.startsWith('sed'))
        .join('\n'),
    })
    await at.getByRole('link', { name: 'Start a run' }).click()
    await at.getByLabel('Plan (YAML)').fill(await readFile(path(folder, 'federation/plan.yaml'), 'utf8'))
    await at.getByText('The plan is valid.').waitFor()
    await at.getByRole('button', { name: 'Start', exact: true }).click()
    const held = at.getByRole('region', { name: 'Clients that hold this plan' })
    await expect.poll(() => held.getByRole('row', { name: /hospital-[abc]/ }).count()).toBe(3)
    for (const instead of hospitals) await follow(await blocksOf(page, '### 4. The plan', '### 5. Promote it'), instead)

    await at.getByRole('link', { name: 'heart-disease v1' }).first().click({ timeout: 90_000 })
    await at.getByRole('button', { name: 'Verify' }).click()
    await at.getByText('The version is what was signed with this key.').waitFor()
    await bo.giveReason('Point production at v1', 'first version, gates passed')
    await at.getByText('It waits for a second person').waitFor()
    await cleo.page.getByRole('link', { name: 'Overview' }).click()
    await cleo.page.getByText('first version, gates passed').waitFor()
    await cleo.page.getByRole('button', { name: 'Confirm alias.promote' }).click()
    await cleo.page.getByText('Nothing waits.').waitFor()
    const moved = await walker.follow((await blocksOf(page, '### 7. Promote it', '### 8.'))[0]!)
    expect(moved).toContain('first version, gates passed')
    for (const one of [ann, bo, cleo]) await one.end()
  })

  it('names buttons and links as they are', async () => {
    const text = (await readFile(path(root, page), 'utf8')).split('## With the dashboard').at(-1) ?? ''
    const own = await readFile(new URL(import.meta.url), 'utf8')
    const called = [...text.matchAll(/\*\*([^*]+)\*\*/g)].map(([, name]) => name!.replace(/\s+/g, ' '))
    const pressed = called
      .filter((name) => !['ann', 'bo', 'cleo'].includes(name))
      .map((name) => name.replace(/…$/, '').split('hospital-a')[0] ?? '')
    expect(pressed.filter((name) => !own.includes(name))).toEqual([])
  })
})
