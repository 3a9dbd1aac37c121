/** The pages on clients in a real browser: who is invited, compared, let in, put out. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrolmentRequest } from '../../client/enrolment/request.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { parseInvitation } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { enrolmentHttpOf } from '../support/enrolment.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'
import { setUp } from './set-up.ts'
import { richView } from './views.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'

const keyOf = (name: string) => {
  const seed = nodeCrypto.sha256(utf8(name))
  return { seed, identity: nodeCrypto.signingKey(seed) }
}
const printOf = (name: string) => fingerprintOf(nodeCrypto, keyOf(name).identity.publicKey)

/** A coordinator with an authority, and three hospitals that belong to it. */
async function federation() {
  const store = memoryStore()
  const http = await enrolmentHttpOf(store, Date.now)
  const { enrolment } = http
  const anna = { actor: 'anna' }
  const ask = async (client: string, secret: string) =>
    enrolment.request(await enrolmentRequest(keyOf(client), { client, secret }, Date.now()))
  for (const client of ['hospital-a', 'hospital-b', 'hospital-c']) {
    const label = `Hospital ${client.at(-1)?.toUpperCase()}`
    const { secret } = await enrolment.invite(client, { ...anna, label })
    await ask(client, secret)
    await enrolment.approve(client, printOf(client), anna)
  }
  await enrolment.suspend('hospital-c', { ...anna, reason: 'moves to another building' })
  const set = await setUp({ enrolment: http }, store)
  set.server.api.seen = [
    { client: 'hospital-a', agent: 'parley/0.1.0 node/20.19', connected: true },
    { client: 'hospital-b', agent: 'parley/0.1.0 node/22.4', connected: true },
  ]
  return { ...set, enrolment, ask }
}

const heldView = () =>
  richView({
    holding: ['hospital-b'],
    engaged: richView().engaged.map((one) =>
      one.client === 'hospital-b'
        ? { ...one, phase: 'refused', bytes: 0, code: 'node.plan-held', message: 'no study covers 12 rounds of heart' }
        : one,
    ),
  })

describe.skipIf(!present)(`clients in ${CHROMIUM}${skipped}`, { timeout: 60_000 }, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  it('are invited, let in once their fingerprint was compared, renamed, suspended and revoked', async () => {
    const { server, add, enrolment, ask } = await federation()
    const sight = await Sight.of(browser, `${server.url}/#/clients`)
    const { page } = sight
    await sight.signIn(await add(['operator']))
    const list = page.getByRole('region', { name: 'Clients of the federation' })
    await list
      .getByRole('row', { name: /hospital-c/ })
      .getByText('suspended')
      .waitFor()

    await page.getByText('Invite a client…').click()
    await page.getByLabel('Id of the client').fill('hospital-d')
    await page.getByLabel('What people call it').fill('Hospital D')
    await page.getByRole('button', { name: 'Invite a client' }).click()
    const code = page.locator('pre.secret')
    await code.waitFor()
    await code.scrollIntoViewIfNeeded()
    await sight.picture('client-invited')
    const { secret } = parseInvitation((await code.textContent()) ?? '')
    await ask('hospital-d', secret)

    await page.getByRole('heading', { name: 'Waiting to be let in' }).waitFor()
    await page.getByText(printOf('hospital-d')).first().waitFor()
    await page.evaluate('scrollTo(0, 0)')
    await sight.picture('clients')
    await page.getByText('Let hospital-d in…').click()
    await page.getByRole('button', { name: 'Let hospital-d in' }).click()
    expect(enrolment.list().find(({ client }) => client === 'hospital-d')?.state).toBe('pending')
    await page.getByLabel('They read this fingerprint out to me').check()
    await page.getByRole('button', { name: 'Let hospital-d in' }).click()
    await list
      .getByRole('row', { name: /hospital-d/ })
      .getByText('active')
      .waitFor()

    await list.getByRole('link', { name: 'hospital-d' }).click()
    await page.getByRole('heading', { name: 'Client hospital-d' }).waitFor()
    await page.getByText('Rename it…').click()
    await page.getByLabel('What people call it').fill('Ward D')
    await page.getByRole('button', { name: 'Rename it' }).click()
    await page.locator('.facts').getByText('Ward D').waitFor()
    await sight.giveReason('Suspend it', 'swapped labels')
    await page.locator('.facts').getByText('swapped labels').waitFor()
    await page.getByText('Let it in again…').click()
    await page.getByRole('button', { name: 'Let it in again' }).click()
    await page.getByText('Suspend it…').waitFor()
    await page.getByText('Revoke it for ever…').click()
    await page.getByText('Neither the id hospital-d nor its key can ever come back').waitFor()
    await sight.picture('client-revoke')
    await page.getByLabel('Reason, for the record').last().fill('key lost')
    const revoke = page.getByRole('button', { name: 'Revoke it for ever' })
    await page.getByLabel('Its id, to be sure').fill('hospital-a')
    await revoke.click()
    await expect.poll(() => page.locator('input[name=sure]:invalid').count()).toBe(1)
    await page.getByLabel('Its id, to be sure').fill('hospital-d')
    await revoke.click()
    await page.locator('.facts').getByText('revoked').waitFor()
    expect(enrolment.list().find(({ client }) => client === 'hospital-d')?.reason).toBe('key lost')
    const history = page.getByRole('region', { name: 'What was done to its enrolment, the newest first' })
    await expect.poll(() => history.getByRole('row').count()).toBe(8)
    await expect.poll(() => history.getByRole('row').nth(1).textContent()).toContain('key lost')
    await expect.poll(() => page.getByText('What can be done').count()).toBe(1)
    await expect.poll(() => page.getByText('Suspend it…').count()).toBe(0)
    await sight.end()
  })

  it('are refused with a reason, and invited anew', async () => {
    const { server, add, enrolment, ask } = await federation()
    const { secret } = await enrolment.invite('hospital-e', { actor: 'anna' })
    await ask('hospital-e', secret)
    const sight = await Sight.of(browser, `${server.url}/#/clients`)
    const { page } = sight
    await sight.signIn(await add(['operator']))
    await sight.giveReason('Refuse hospital-e', 'another fingerprint was read out')
    const list = page.getByRole('region', { name: 'Clients of the federation' })
    await list
      .getByRole('row', { name: /hospital-e/ })
      .getByText('refused')
      .waitFor()
    await list.getByRole('link', { name: 'hospital-e' }).click()
    await page.locator('.facts').getByText('another fingerprint was read out').waitFor()
    await page.getByText('Invite it anew…').click()
    await page.getByRole('button', { name: 'Invite it anew' }).click()
    await page.locator('.facts').getByText('invited', { exact: true }).waitFor()
    await page.locator('pre.secret').waitFor()
    await sight.end()
  })

  it('show which of them hold a plan, how they took part, and to auditors no acts', async () => {
    const { server, add } = await federation()
    server.api.runs = async () => [heldView()]
    server.api.watch = async function* () {
      yield heldView()
      await new Promise(() => {})
    }
    const sight = await Sight.of(browser, `${server.url}/#/clients`)
    const { page } = sight
    await sight.signIn(await add(['auditor']))
    const held = page.getByRole('region', { name: 'Plans that are held, by client' })
    await held.getByText('no study covers 12 rounds of heart').waitFor()
    await expect.poll(() => page.getByText('Invite a client').count()).toBe(0)
    await held.getByRole('link', { name: 'hospital-b' }).click()
    await page.getByRole('heading', { name: 'Plans that it holds' }).waitFor()
    await page.getByText('in 6 of 7 rounds').waitFor()
    await expect.poll(() => page.getByText('What can be done').count()).toBe(0)
    await sight.picture('client')
    await page.getByRole('link', { name: 'run_1' }).first().click()
    await page.getByRole('region', { name: 'Clients that hold this plan' }).getByText('no study covers').waitFor()
    await page.goto(`${server.url}/#/clients/hospital-d`)
    await page
      .getByRole('region', { name: 'What was refused of it, or it declined, the newest first' })
      .getByText('update.norm-limit')
      .waitFor()
    sight.foreseen(/404/)
    await sight.end()
  })

  it('are said to be listed by hand where there is no authority', async () => {
    const { server, add } = await setUp()
    const sight = await Sight.of(browser, `${server.url}/#/clients`)
    await sight.signIn(await add(['operator']))
    await sight.page.getByText('its clients are listed by hand').waitFor()
    sight.foreseen(/404/)
    await sight.end()
  })
})
