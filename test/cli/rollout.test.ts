/** An operator looks at a rollout, and does by hand what its plan says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RolloutState } from '../../server/registry/rollout-view.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { releaseKey, running, TOKEN } from '../server/http-fixtures.ts'
import { inProcess, parleyJson } from '../support/cli.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, HOUR, RULE, rolloutsOf } from '../support/rollout.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-rollout-'))
  await writeFile(join(folder, 'token'), TOKEN)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the split, the figures of both sides and the decision are shown; --apply does what was shown', async () => {
  const store = memoryStore()
  const clock = new ManualClock()
  const registry = registryOf(store, releaseKey, { now: () => clock.now() })
  const rollouts = rolloutsOf(store, registry, clock)
  const { url } = await running({ store, registry, rollouts })
  const rule = RULE.replace('both', 'false')
  for (const round of [1, 2]) await registry.publish(await candidateWith(store, round, rule), 'production')
  const consumers = new Consumers(store, clock)
  await consumers.all(rollouts, { champion: 2, challenger: 3 })
  clock.advance(HOUR)

  const args = ['model', 'rollout', 'heart@production', '--url', url, '--token-file', join(folder, 'token')] as const
  const { stdout, code } = await inProcess(...args)
  expect(code).toBe(0)
  expect(stdout).toContain('heart@production: version 2 beside version 1, for 20 % of the consumers')
  expect(stdout).toContain('40 reports')
  expect(stdout).toContain('steps 20 %, 50 %, 100 %; at most 5 % of such rollouts go wrong; by itself: nothing')
  expect(stdout).toMatch(
    /error-rate +0\.02 of \d+ \(\d+ consumers\) +0\.03 of \d+ \(\d+ consumers\) +-0\.\d+ to 0\.\d+ +0\.05 +(open|not-worse)/,
  )
  expect(stdout).toMatch(/decision: step-up to 50 %\n {2}- error-rate: 0\.03 against 0\.02/)
  expect(await parleyJson<RolloutState>(...args)).toMatchObject({ share: 2_000, decision: { share: 5_000 } })
  expect((await store.records.alias('heart', 'production'))?.sequence).toBe(2)

  const applied = await inProcess(...args, '--apply')
  expect(applied.stdout).toContain('done: step-up')
  expect(await store.records.alias('heart', 'production')).toMatchObject({ sequence: 3, actor: 'host', version: 1 })
  expect((await consumers.record()).rollout?.share).toBe(5_000)
  const again = await inProcess(...args, '--apply', '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'run.conflict' } })

  await registry.promote({ model: 'heart', alias: 'production', number: 2, reason: 'enough', actor: 'ada' })
  const over = await inProcess(...args, '--json')
  expect(over.code).toBe(4)
  expect(JSON.parse(over.stdout)).toMatchObject({ error: { code: 'outcomes.no-rollout' } })
  const anonymous = await inProcess('model', 'rollout', 'heart', '--url', url, '--json')
  expect(anonymous.code).toBe(3)
})
