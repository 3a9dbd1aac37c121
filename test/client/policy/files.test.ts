import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { signPolicy } from '../../../client/policy/signed.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { toHex, utf8 } from '../../../core/encoding/bytes.ts'
import type { RoundConfiguration } from '../../../core/run/round-configuration.ts'
import { planOf } from '../../support/plans.ts'
import { policyOf } from './policies.ts'
import { digest, plan, request } from './requests.ts'
import { Site, secondPerson, siteKey, studyOf } from './site.ts'

const loaded = { engine: 'tfjs-wasm', rows: { train: 10, heldOut: 5 } }
let site: Site

beforeEach(async () => {
  site = await Site.create('b', { tiny: studyOf() })
})
afterEach(() => site.remove())

describe('a policy that is not valid allows nothing', () => {
  const cases: [what: string, code: string, change: () => Promise<void>][] = [
    ['none', 'policy.absent', () => rm(site.path('policy.yaml'))],
    ['one without a signature', 'policy.unsigned', () => rm(site.path('policy.dsse.json'))],
    ['one with a broken signature', 'policy.unsigned', () => writeFile(site.path('policy.dsse.json'), '{')],
    ['one by another key', 'policy.untrusted', () => site.write({ tiny: studyOf() }, {}, secondPerson)],
    ['one of a client without a pin', 'policy.untrusted', () => rm(site.path('key.pub'))],
    ['one that is no YAML', 'policy.unreadable', () => writeFile(site.path('policy.yaml'), 'a: [')],
    ['one with an unknown key', 'policy.invalid', () => writeFile(site.path('policy.yaml'), 'policy: 1\nstudeis: {}')],
    [
      'one that was widened after it was signed',
      'policy.unsigned',
      async () => {
        const text = await readFile(site.path('policy.yaml'), 'utf8')
        await writeFile(site.path('policy.yaml'), text.replace('maxRounds: 2', 'maxRounds: 3'))
      },
    ],
    [
      'one whose signature is of another type',
      'policy.untrusted',
      async () => {
        const text = await readFile(site.path('policy.dsse.json'), 'utf8')
        await writeFile(site.path('policy.dsse.json'), text.replace('client-policy', 'plan-decision'))
      },
    ],
  ]

  test.each(cases)('%s: %s', async (_what, code, change) => {
    const policy = await site.policy()
    await policy.admit(request())
    await change()
    const refused = { code: 'node.plan-refused', message: `the policy of this client allows nothing: ${code}` }
    await expect(policy.admit(request())).rejects.toMatchObject(refused)
    await expect(policy.admit(request())).rejects.toMatchObject(refused)
    expect(site.invalid.map((error) => error.code)).toEqual([code])
  })
})

test('comments and white space are no part of what is signed', async () => {
  const text = await readFile(site.path('policy.yaml'), 'utf8')
  await writeFile(site.path('policy.yaml'), `# reviewed\n${text}\n`)
  await expect((await site.policy()).admit(request())).resolves.toMatchObject({})
})

test('a new policy holds from the next task on, without a restart', async () => {
  const policy = await site.policy()
  await policy.admit(request())
  await site.write({})
  await expect(policy.admit(request())).rejects.toMatchObject({ code: 'node.plan-held' })
})

test('bytes of a day are counted when they leave, rounds when they begin, each once', async () => {
  await site.write({ tiny: studyOf({ perDay: { rounds: 2, bytes: '1KiB' } }) })
  const policy = await site.policy()
  const first = await policy.admit(request())
  await first.loaded(loaded)
  await first.leave(1_000)
  // The same round again, after a restart, is the same round.
  await expect(first.leave(25)).rejects.toMatchObject({ message: expect.stringContaining('perDay.bytes') })
  const restarted = await site.policy()
  await expect(restarted.admit(request({ round: 2 }))).rejects.toMatchObject({
    message: expect.stringContaining('perDay.bytes'),
  })
  await site.write({ tiny: studyOf({ perDay: { rounds: 2 } }) })
  await restarted.admit(request())
  await restarted.admit(request({ round: 2 }))
  await expect(restarted.admit(request({ round: 3 }))).rejects.toMatchObject({
    message: expect.stringContaining('perDay.rounds'),
  })
  await restarted.admit(request({ kind: 'evaluate', round: 3 } as Partial<RoundConfiguration>))
})

test('counters that are damaged allow nothing: whoever begins at zero forgets', async () => {
  const policy = await site.policy()
  await policy.admit(request())
  await writeFile(site.path('state/today.json'), '{"day":')
  await expect(policy.admit(request())).rejects.toMatchObject({ code: 'config.invalid' })
})

test('data, budget and resources of the policy are what the node is to use', async () => {
  const privacy = { epsilon: 3, delta: 1e-5 }
  await site.write({ tiny: studyOf() }, { resources: { cpuShare: 0.5, memory: '2GiB' } })
  const admission = await (await site.policy()).admit(request())
  expect(admission).toMatchObject({
    data: { csv: site.path('heart.csv') },
    resources: { cpuShare: 0.5, memoryBytes: 2 ** 31 },
  })
  await (await site.policy({ csv: site.path('heart.csv') })).admit(request())
  const other = (await site.policy({ csv: site.path('other.csv') })).admit(request())
  await expect(other).rejects.toMatchObject({ message: expect.not.stringContaining('other.csv') })
  await site.write({ tiny: studyOf() }, { records: privacy })
  const hiding = { ...request(), plan: planOf({ extra: 'privacy: { records: { clip: 1, multiplier: 1 } }' }) }
  expect(await (await site.policy()).admit(hiding)).toMatchObject({ recordBudget: privacy })
  await site.write({ tiny: studyOf() }, { privacy })
  await expect((await site.policy()).admit(request())).rejects.toMatchObject({ message: expect.stringContaining('ε') })
})

describe('decisions', () => {
  const admit = async () => (await site.policy()).admit(request())
  const held = { code: 'node.plan-held' }

  beforeEach(() => site.write({}))

  test('by two people, where the policy asks for two', async () => {
    const approvers = { bo: Buffer.from(secondPerson.publicKey).toString('hex') }
    await site.write({}, { approvals: 2, approvers })
    await site.decide(digest, { data: 'heart' })
    await site.decide(digest, { data: 'heart' })
    await expect(admit()).rejects.toMatchObject({ ...held, message: expect.stringContaining('1 of 2') })
    await site.decide(digest, { data: 'heart' }, secondPerson)
    await admit()
    await site.decide(digest, { decision: 'refuse', reason: 'no' }, secondPerson)
    await expect(admit()).rejects.toMatchObject({ code: 'node.plan-refused' })
  })

  test('hold until their day is over', async () => {
    await site.decide(digest, { data: 'heart', until: '2026-12-03' })
    await admit()
    site.now = Date.parse('2026-12-03T23:59:59Z')
    await admit()
    site.now = Date.parse('2026-12-04T00:00:00Z')
    await expect(admit()).rejects.toMatchObject(held)
  })

  test.each([
    ['a key that the policy does not know', {}, secondPerson],
    ['another client', { client: 'ab'.repeat(32) }, siteKey],
    ['another coordinator', { coordinator: 'ab'.repeat(32) }, siteKey],
    ['another plan', { plan: 'ab'.repeat(32) }, siteKey],
    ['nothing in particular', { data: undefined }, siteKey],
  ])('of %s decide nothing', async (_what, said, key) => {
    const { plan: of = digest, ...rest } = said as { plan?: string }
    await site.decide(digest, { data: 'heart', plan: of, ...rest }, key)
    await expect(admit()).rejects.toMatchObject(held)
  })

  test('are not read from an altered file, nor a plan from one', async () => {
    await expect(admit()).rejects.toMatchObject(held)
    await site.decide(digest, { data: 'heart' })
    const path = site.path(
      `state/reviews/${digest}/decision-${Buffer.from(siteKey.publicKey).toString('hex')}.dsse.json`,
    )
    const envelope = JSON.parse(await readFile(path, 'utf8')) as { payload: string }
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('heart', 'other')
    await writeFile(path, JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }))
    await expect(admit()).rejects.toMatchObject(held)
    const kept = site.path(`state/reviews/${digest}/plan.json`)
    await writeFile(kept, (await readFile(kept, 'utf8')).replace('"tiny"', '"tiny2"'))
    await expect(site.reviews()).rejects.toMatchObject({ code: 'policy.unsigned' })
  })
})

test('a plan that did not come in its canonical form is kept as it came', async () => {
  await site.write({})
  const text = JSON.stringify(plan, null, 1)
  const of = toHex(nodeCrypto.sha256(utf8(text)))
  const asked = { ...request({ plan: { digest: of, bytes: text.length } }), text }
  await expect((await site.policy()).admit(asked)).rejects.toMatchObject({ code: 'node.plan-held' })
  expect(await site.reviews()).toMatchObject([{ digest: of, plan: { name: 'tiny' } }])
})

test('a signature over a policy is the same for the same policy', () => {
  const policy = policyOf({ tiny: studyOf() })
  expect(signPolicy(nodeCrypto, siteKey, policy)).toBe(signPolicy(nodeCrypto, siteKey, policy))
})
