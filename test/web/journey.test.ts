/** From a plan to a version and its record, in a browser on a coordinator as a program starts it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditLog } from '../../audit/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { auditKey } from '../audit/fixtures.ts'
import { addingTrainer, coordinatorKey, countsOf } from '../support/federation.ts'
import { addMember, cheap } from '../support/people.ts'
import { planText } from '../support/plans.ts'
import { Started } from '../support/started.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'

describe.skipIf(!present)(`a run in ${CHROMIUM}${skipped}`, { timeout: 60_000 }, () => {
  let browser: Browser
  let folder: string
  let started: Started
  const store = memoryStore()
  beforeAll(async () => {
    browser = await launch()
    folder = await mkdtemp(join(tmpdir(), 'parley-journey-'))
    const { facts, seen } = collectFacts()
    const federation = toHex(coordinatorKey.publicKey)
    const log = await AuditLog.open(folder, { federation, key: auditKey, crypto: nodeCrypto, clock: systemClock, seen })
    started = await Started.create({ store, audit: { log, facts }, members: { passwordCost: cheap } })
  })
  afterAll(async () => {
    await browser.close()
    await started.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('is written, started, watched, published and verified, and all of it is in the audit log', async () => {
    const member = await addMember(store, systemClock, ['operator', 'auditor'])
    const sight = await Sight.of(browser, `${started.running.urls.http}/#/start`)
    const { page } = sight
    await sight.signIn(member)
    const start = page.getByRole('button', { name: 'Start', exact: true })
    const plan = page.getByLabel('Plan (YAML)')
    const text = planText({ rounds: 3 }).trim()

    await plan.fill(text.replace('rounds: 3', 'ruonds: 3').replace('batch: 4', 'batch: none'))
    const line = text.split('\n').findIndex((one) => one.startsWith('rounds')) + 1
    await page.getByText(`Line ${line}:`).waitFor()
    await expect.poll(() => page.locator('.editor .wrong').first().textContent()).toBe(`${line - 1}\n`)
    await expect.poll(() => page.getByText('did you mean "rounds"?').count()).toBe(1)
    expect(await plan.getAttribute('aria-invalid')).toBe('true')
    expect(await start.isDisabled()).toBe(true)
    await sight.picture('start-problems')

    await plan.fill(text)
    await page.getByText('The plan is valid.').waitFor()
    await page.getByText(/values that the text does not have/).click()
    await expect.poll(() => page.getByText('seed: 1', { exact: false }).first().isVisible()).toBe(true)
    await page.getByRole('button', { name: 'Dry run' }).click()
    await page.getByText('0 clients could take part now').waitFor()
    const asked = page.getByRole('region', { name: 'Clients that could be asked' })
    await asked.getByRole('row', { name: /^a/ }).getByText('it has no session').waitFor()
    await page.evaluate(`document.querySelector('section.part').scrollIntoView()`)
    await sight.picture('dry-run')
    await plan.fill(`${text}\n`)
    await page.getByRole('heading', { name: 'Dry run' }).waitFor({ state: 'detached' })
    await page.getByText('The plan is valid.').waitFor()
    await start.click()
    await page.getByRole('heading', { name: /^Run run_/ }).waitFor()
    await page.getByText('Live.').waitFor()

    let right = 5
    const evaluate = async () => countsOf(10, Math.min(9, right++))
    started.addClient('a', 'ws', addingTrainer(1, { evaluate }))
    started.addClient('b', 'grpc', addingTrainer(2, { evaluate }))
    await page.getByRole('link', { name: 'tiny v1' }).waitFor()
    await expect
      .poll(() => page.getByRole('region', { name: 'Rounds, the newest first' }).getByRole('row').count())
      .toBe(4)

    await page.getByRole('link', { name: 'tiny v1' }).click()
    await page.locator('.card h3').waitFor()
    await expect.poll(() => page.locator('.card img').count()).toBeGreaterThan(0)
    await sight.picture('version')
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('The version is what was signed with this key.').waitFor()
    await page.evaluate(`document.querySelector('form.wide').scrollIntoView()`)
    await sight.picture('version-verified')
    await page.evaluate(`document.querySelector('.card').scrollIntoView()`)
    await sight.picture('version-card')

    const { run } = await started.running.api.startRun(planText({ gates: '[{ metric: accuracy, min: 0.99 }]' }))
    await started.view(run)
    await page.getByRole('link', { name: 'All versions of tiny' }).click()
    const failed = page.getByRole('region', { name: 'Candidates that did not pass, the newest first' })
    await expect.poll(() => failed.getByRole('row', { name: run }).textContent()).toContain('0.99')
    await page.getByRole('link', { name: run }).click()
    await page.getByText('Not published: a gate did not pass.').waitFor()

    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByText('Nothing is verified yet.').waitFor()
    await page.getByRole('button', { name: 'Verify the whole log' }).click()
    await page.getByText(/^The chain of \d+ records is whole\.$/).waitFor()
    await sight.picture('audit')
    await page.getByLabel('Did what').fill('model.publish')
    const records = page.getByRole('region', { name: 'Records of the audit log' })
    await page.getByText('1 record, the newest first.').waitFor()
    await expect.poll(() => records.getByRole('row').nth(1).textContent()).toContain('model.publish')
    await page.getByLabel('Did what').fill('')
    await page.getByLabel('Who').fill(`member:${member.record.id}`)
    await page.getByText(/^\d+ records, the newest first\.$/).waitFor()
    await expect.poll(() => records.getByText('run.start').count()).toBeGreaterThan(0)

    await page.getByRole('link', { name: 'Start a run' }).click()
    await page.getByLabel('Begin with the plan of').selectOption('tiny')
    await page.getByRole('button', { name: 'Load it' }).click()
    await page.getByText('The plan is valid.').waitFor()
    await sight.end()
  })

  it('says so where a line of the audit log was altered on its way', async () => {
    const sight = await Sight.of(browser, `${started.running.urls.http}/#/audit`)
    const { page } = sight
    await page.route('**/v1/audit?*', async (route) => {
      const answer = await route.fetch()
      await route.fulfill({
        response: answer,
        body: (await answer.text()).replace('"version":"test"', '"version":"tost"'),
      })
    })
    await sight.signIn(await addMember(store, systemClock, ['auditor']))
    await page.setViewportSize({ width: 320, height: 640 })
    await sight.expectNoSidewaysScroll()
    await page.getByRole('button', { name: 'Verify the whole log' }).click()
    await page.getByText(/^Record 1 is wrong \(edited\)/).waitFor()
    await sight.end()
  })
})
