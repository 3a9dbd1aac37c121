/** The coordinator as a program starts it, on a disk: reports by HTTP, records that follow, and a restart in between. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { toHex } from '../../core/encoding/bytes.ts'
import { parseAllowList } from '../../server/sessions/allow-list.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { coordinatorKey } from '../support/federation.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, consumerKey, consumerNames, RULE, signedReport } from '../support/rollout.ts'
import { Started } from '../support/started.ts'
import { failure } from './http-fixtures.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-rollouts-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const listed = consumerNames.map((id) => ({ id, publicKey: toHex(consumerKey(id).publicKey) }))

it('takes reports of listed consumers, goes on with them after a restart, and tells followers of the way back', async () => {
  const prepared = await openDurableStore({ folder })
  const registry = registryOf(prepared, coordinatorKey, { now: Date.now })
  for (const round of [1, 2]) await registry.publish(await candidateWith(prepared, round, RULE), 'production')
  const consumers = new Consumers(prepared, new ManualClock(Date.now()))
  const { champion, challenger } = await consumers.sides()
  const reportOf = async (name: string, errors: number) =>
    signedReport(await consumers.next(name, { counts: { errors } }), consumerKey(name))
  const good = await Promise.all(champion.map((name) => reportOf(name, 2)))
  const bad = await Promise.all(challenger.map((name) => reportOf(name, 40)))
  await prepared.close()

  const start = async (consumersOf: readonly object[]) =>
    Started.create({
      store: await openDurableStore({ folder }),
      consumers: parseAllowList({ clients: consumersOf }),
    })
  const send = (started: Started, body: Uint8Array) =>
    fetch(`${started.running.urls.http}/v1/models/heart/outcomes`, {
      method: 'POST',
      body: Uint8Array.from(body),
      headers: { 'content-type': 'application/vnd.dsse.envelope.v1+json' },
    })

  const first = await start(listed)
  for (const body of good) expect((await send(first, body)).status).toBe(200)
  await first.stop()

  const unlisting = await start([])
  expect(await failure(await send(unlisting, bad[0]!))).toMatchObject({ status: 403, code: 'outcomes.unlisted' })
  await unlisting.stop()

  const second = await start(listed)
  const events = await fetch(`${second.running.urls.http}/v1/models/heart/events`)
  for (const body of bad) expect((await send(second, body)).status).toBe(200)
  let told = ''
  const decoder = new TextDecoder()
  for await (const bytes of events.body!) {
    told += decoder.decode(bytes as Uint8Array, { stream: true })
    if (/^id: 3$/m.test(told)) break
  }
  const answer = await fetch(`${second.running.urls.http}/v1/models/heart/aliases/production`)
  expect(await answer.json()).toMatchObject({
    version: 1,
    actor: 'rollout',
    reason: expect.stringMatching(/^version 2 is taken back: error-rate: 0\.4 against 0\.02/),
  })
  await second.stop()
}, 30_000)
