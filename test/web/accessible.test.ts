/** Every page against the rules of axe-core (WCAG 2.1, levels A and AA, and good practice), in light and dark. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuditLog } from '../../audit/index.ts'
import { enrolmentRequest } from '../../client/enrolment/request.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { systemClock } from '../../core/system-clock.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { auditKey } from '../audit/fixtures.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { releaseKey } from '../server/http-fixtures.ts'
import { enrolmentHttpOf } from '../support/enrolment.ts'
import { addMember } from '../support/people.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, RULE, rolloutsOf } from '../support/rollout.ts'
import { CHROMIUM, launch, present, Sight } from './browser.ts'
import { setUp } from './set-up.ts'
import { publishedView, richView } from './views.ts'

const skipped = present ? '' : ' (skipped: it is not installed)'

type Violation = { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] }

/** A coordinator that has something to show on every page. */
async function everything(folder: string) {
  const store = memoryStore()
  const clock = new ManualClock()
  const registry = registryOf(store, releaseKey, { now: () => clock.now() })
  const rollouts = rolloutsOf(store, registry, clock)
  const rule = RULE.replace('both', 'false')
  await registry.publish(await candidateWith(store, 1, rule), 'production')
  await registry.publish(await candidateWith(store, 2, rule), 'production')
  await new Consumers(store, clock).all(rollouts, { champion: 2, challenger: 3 })
  const http = await enrolmentHttpOf(store, Date.now)
  for (const client of ['hospital-a', 'hospital-b']) {
    const seed = nodeCrypto.sha256(utf8(client))
    const key = { seed, identity: nodeCrypto.signingKey(seed) }
    const { secret } = await http.enrolment.invite(client, { actor: 'anna', label: `Called ${client}` })
    await http.enrolment.request(await enrolmentRequest(key, { client, secret }, Date.now()))
    const print = fingerprintOf(nodeCrypto, key.identity.publicKey)
    if (client === 'hospital-a') await http.enrolment.approve(client, print, { actor: 'anna' })
  }
  const options = { federation: 'test', key: auditKey, crypto: nodeCrypto, clock: systemClock }
  const audit = await AuditLog.open(folder, options)
  const { server, add } = await setUp({ audit, registry, rollouts, enrolment: http }, store)
  const held = { code: 'node.plan-held', message: 'no study covers it' } as const
  const engaged = richView().engaged.map((one) => (one.client === 'hospital-b' ? { ...one, ...held } : one))
  const view = richView({
    engaged,
    holding: ['hospital-b'],
    paused: { at: '2026-01-02T09:08:00.000Z', reason: 'the data are looked at' },
  })
  const over = { ...publishedView(), run: 'run_0' }
  server.api.runs = async () => [view, over]
  server.api.run = async (id) => (id === 'run_0' ? over : view)
  server.api.watch = async function* (id) {
    yield id === 'run_0' ? over : view
    await new Promise(() => {})
  }
  return { server, add, store, stop: () => Promise.all([rollouts.stop(), audit.close()]) }
}

describe.skipIf(!present)(`pages in ${CHROMIUM}${skipped}`, { timeout: 180_000 }, () => {
  let browser: Browser
  let folder: string
  let axe: string
  beforeAll(async () => {
    browser = await launch()
    folder = await mkdtemp(join(tmpdir(), 'parley-axe-'))
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  })
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** What is wrong on the page as it is now, with all its forms open; of the dark, only what colours can be wrong in. */
  async function violations({ page }: Sight): Promise<readonly string[]> {
    const found: string[] = []
    // Through the debugger, which the page's policy does not bind.
    await page.evaluate(axe)
    await page.evaluate(`for (const one of document.querySelectorAll('details')) one.open = true`)
    for (const [colorScheme, rules] of [
      ['light', `{ resultTypes: ['violations'] }`],
      ['dark', `{ resultTypes: ['violations'], runOnly: ['color-contrast'] }`],
    ] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      const result = (await page.evaluate(`axe.run(document, ${rules})`)) as { readonly violations: Violation[] }
      for (const { id, impact, nodes } of result.violations) {
        if (impact === 'serious' || impact === 'critical') {
          found.push(`${colorScheme}: ${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
        }
      }
    }
    return found
  }

  it('can be used by everybody', async () => {
    const { server, add, store, stop } = await everything(folder)
    const sight = await Sight.of(browser, server.url)
    const { page } = sight
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await violations(sight)).toEqual([])
    const member = await add(['operator', 'auditor', 'admin', 'approver'])
    const other = await add(['viewer'])
    await sight.signIn(member)
    const pages: readonly (readonly [path: string, shown: string])[] = [
      ['', 'Runs that are over'],
      ['runs/run_1', 'Held by clients'],
      ['runs/run_0', 'Result'],
      ['models', 'Versions'],
      ['models/heart', 'History of aliases'],
      ['models/heart/2', 'Model card'],
      ['models/heart/compare/1/2', 'Facts'],
      ['clients', 'Waiting to be let in'],
      ['clients/hospital-a', 'History'],
      ['people', 'People'],
      [`people/${other.record.id}`, 'Roles'],
      ['account', 'Sessions'],
      ['start', 'Start a run'],
      ['audit', 'Timeline'],
      ['nowhere', 'Not found'],
    ]
    const wrong: string[] = []
    for (const [path, shown] of pages) {
      await page.goto(`${server.url}/#/${path}`)
      await page.getByRole('heading', { name: shown, exact: true }).first().waitFor()
      await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => {})
      if (path === 'start') {
        await page.getByLabel('Plan (YAML)').fill('parley: 1\nname: x')
        await page.locator('#plan-problems').waitFor()
      }
      wrong.push(...(await violations(sight)).map((one) => `${path}: ${one}`))
    }
    expect(wrong).toEqual([])
    await sight.end()

    const { secondFactor: _, ...record } = (await addMember(store, systemClock, ['operator'])).record
    await store.members.changeMember(record.id, () => record)
    const fresh = await Sight.of(browser, server.url)
    await fresh.page.getByLabel('Name').fill(record.name)
    await fresh.page.getByLabel('Password').fill('a long enough password')
    await fresh.page.getByRole('button', { name: 'Sign in' }).click()
    await fresh.page.getByRole('button', { name: 'Set up a second factor' }).click()
    await fresh.page.locator('[data-secret]').waitFor()
    expect(await violations(fresh)).toEqual([])
    await fresh.end()
    await stop()
  })
})
