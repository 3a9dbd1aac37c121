/** Aliases that are split between two versions, in a real browser. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/system-clock.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { releaseKey, running } from '../server/http-fixtures.ts'
import { addMember, peopleOf } from '../support/people.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, HOUR, RULE, rolloutsOf } from '../support/rollout.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'

/** Two versions of `heart`, the second one beside the first where `rule` says so. */
async function versions(rule: string | undefined, fourEyes: readonly 'alias.promote'[]) {
  const store = memoryStore()
  const clock = new ManualClock()
  const registry = registryOf(store, releaseKey, { now: () => clock.now() })
  const rollouts = rolloutsOf(store, registry, clock)
  await registry.publish(await candidateWith(store, 1, rule), 'production')
  await registry.publish(await candidateWith(store, 2, rule), 'production')
  const people = peopleOf(store, { clock: systemClock, fourEyes })
  const server = await running({ store, registry, rollouts, people })
  const add = (...roles: readonly string[]) => addMember(store, systemClock, roles)
  const record = async () => (await new Consumers(store, clock).record()).rollout
  return { store, clock, rollouts, server, add, record, consumers: new Consumers(store, clock) }
}

describe.skipIf(!present)(`a split alias in ${CHROMIUM}${skipped}`, { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  it('shows both sides and what the plan makes of them, and goes on as it says', async () => {
    const { server, add, consumers, clock, rollouts, record } = await versions(RULE.replace('both', 'rollback'), [])
    await consumers.all(rollouts, { champion: 2, challenger: 2 })
    clock.advance(HOUR)
    const sight = await Sight.of(browser, `${server.url}/#/models/heart`)
    const { page } = sight
    await sight.signIn(await add('operator'))
    await page.getByRole('region', { name: 'Where aliases point' }).getByText('20 % get v2').waitFor()
    await page.getByText('By the plan: step up to 50 %').waitFor()
    const sides = page.getByRole('region', { name: 'Both sides by metric' })
    await sides
      .getByRole('row', { name: /^error-rate/ })
      .getByText('0.02 of')
      .first()
      .waitFor()
    await page.getByRole('heading', { name: 'production is split' }).scrollIntoViewIfNeeded()
    await page.evaluate(`document.querySelector('meter').closest('section').scrollIntoView()`)
    await sight.picture('split')
    await page.getByText('Do it: step up to 50 %…').click()
    await page.getByRole('button', { name: 'Do it: step up to 50 %' }).click()
    await page.getByRole('region', { name: 'Where aliases point' }).getByText('50 % get v2').waitFor()
    expect(await record()).toMatchObject({ number: 2, share: 5_000 })
    await sight.giveReason('Take v2 back', 'the wards complain')
    await page.getByRole('heading', { name: 'production is split' }).waitFor({ state: 'detached' })
    expect(await record()).toBeUndefined()
    await rollouts.stop()
    await sight.end()
  })

  it('is begun and widened by hand, which two people do', async () => {
    const { server, add, store, rollouts, record } = await versions(undefined, ['alias.promote'])
    const sight = await Sight.of(browser, `${server.url}/#/models/heart/1`)
    const { page } = sight
    const other = await Sight.of(browser, server.url)
    await sight.signIn(await add('operator'))
    await other.signIn(await add('approver'))
    const confirm = async () => {
      const button = other.page.getByRole('button', { name: 'Confirm alias.promote' })
      await button.click()
      await button.waitFor({ state: 'detached' })
    }
    await page.getByText('Give v1 to a share of the consumers…').click()
    await page.getByLabel('Share of the consumers, in percent').fill('12.5')
    const begin = page.getByRole('group').filter({ hasText: 'Give v1 to a share of the consumers…' })
    await begin.getByLabel('Reason, for the record').fill('compare with the old one')
    await page.getByRole('button', { name: 'Give v1 to a share of the consumers' }).click()
    await page.getByText('It waits for a second person').waitFor()
    expect(await record()).toBeUndefined()
    await confirm()
    const first = await record()
    expect(first).toMatchObject({ number: 1, share: 1_250 })

    await page.goto(`${server.url}/#/models/heart`)
    await page.getByText('has no rule for this alias: a person decides').waitFor()
    await page.getByText('Change the share…').click()
    await page.getByLabel('Share of the consumers, in percent').fill('40')
    const change = page.getByRole('group').filter({ hasText: 'Change the share…' })
    await change.getByLabel('Reason, for the record').fill('no complaints')
    await page.getByRole('button', { name: 'Change the share' }).click()
    await page.getByText('It waits for a second person').waitFor()
    await confirm()
    expect(await record()).toEqual({ ...first, share: 4_000 })

    await page.reload()
    await sight.giveReason('Give v1 to all', 'it is better')
    await page.getByText('It waits for a second person').waitFor()
    await confirm()
    expect(await store.records.alias('heart', 'production')).toMatchObject({ version: 1 })
    expect(await record()).toBeUndefined()
    await rollouts.stop()
    await sight.end()
    await other.end()
  })

  it('is shown to everybody, its figures and acts to those who may', async () => {
    const { server, add, rollouts } = await versions(RULE, [])
    const sight = await Sight.of(browser, `${server.url}/#/models/heart`)
    const { page } = sight
    await sight.signIn(await add('viewer'))
    await page.getByRole('heading', { name: 'production is split' }).waitFor()
    await expect.poll(() => page.getByText('Take v2 back').count()).toBe(0)
    await expect.poll(() => page.getByText('By the plan').count()).toBe(0)
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText('production → v1 (20 % get v2)').waitFor()
    await rollouts.stop()
    await sight.end()
  })
})
