/** A site where a policy takes several people: each of its keys must have signed the same one. */
import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPolicy } from '../../../client/policy/policy-file.ts'
import { policySignatures, signPolicy } from '../../../client/policy/signed.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { toHex } from '../../../core/encoding/bytes.ts'
import { digest, request } from './requests.ts'
import { Site, secondPerson, siteKey, studyOf } from './site.ts'

let site: Site
const third = nodeCrypto.signingKey(new Uint8Array(32).fill(99))
const keys = [siteKey, secondPerson].map(({ publicKey }) => publicKey)

beforeEach(async () => {
  site = await Site.create('a', { tiny: studyOf() })
  await writeFile(site.path('key.pub'), `${keys.map(toHex).join('\n')}\n`)
})
afterEach(() => site.remove())

/** Adds the signature of a key, as `parley client policy sign` does. */
async function sign(key = secondPerson): Promise<void> {
  const before = await readFile(site.path('policy.dsse.json'))
  const policy = await readPolicy(site.path('policy.yaml'))
  const others = policySignatures(nodeCrypto, keys, policy, before)
  await writeFile(site.path('policy.dsse.json'), signPolicy(nodeCrypto, key, policy, others))
}

const refused = { code: 'node.plan-refused', message: 'the policy of this client allows nothing: policy.untrusted' }

test('a policy allows something once all of its keys have signed it', async () => {
  const policy = await site.policy()
  await expect(policy.admit(request())).rejects.toMatchObject(refused)
  expect(site.invalid.at(-1)?.message).toContain(toHex(secondPerson.publicKey))
  await sign()
  await policy.admit(request())
})

test('a change takes the signatures of all again', async () => {
  await sign()
  await site.write({ tiny: studyOf({ perDay: { rounds: 9 } }) })
  await expect((await site.policy()).admit(request())).rejects.toMatchObject(refused)
})

test('the same key twice, or another one, is no second person', async () => {
  await sign(siteKey)
  await expect((await site.policy()).admit(request())).rejects.toMatchObject(refused)
  await sign(third)
  await expect((await site.policy()).admit(request())).rejects.toMatchObject(refused)
})

test.each([
  ['one key twice', [siteKey, siteKey]],
  ['more than ten', Array.from({ length: 11 }, (_, i) => nodeCrypto.signingKey(new Uint8Array(32).fill(i + 1)))],
])('a file of pinned keys with %s is none', async (_what, pinned) => {
  await writeFile(site.path('key.pub'), pinned.map(({ publicKey }) => toHex(publicKey)).join('\n'))
  await expect((await site.policy()).admit(request())).rejects.toMatchObject(refused)
})

test('a plan that is held takes as many people as the policy that holds it', async () => {
  await site.write({})
  await sign()
  const admitted = () => site.policy().then((one) => one.admit(request()))
  await expect(admitted()).rejects.toMatchObject({ code: 'node.plan-held' })
  await site.decide(digest, { data: 'heart' })
  await expect(admitted()).rejects.toMatchObject({ code: 'node.plan-held' })
  await site.decide(digest, { data: 'heart' }, secondPerson)
  await admitted()
})
