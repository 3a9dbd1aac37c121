/** The published test vector of the log: other programs may be built on it. */
import { expect, test } from 'vitest'
import { genesisHead, leafOf, nextHead } from '../../core/audit/chain.ts'
import { AUDIT_CHECKPOINT_TYPE, checkpointSigner, readCheckpoint } from '../../core/audit/checkpoint.ts'
import { readAuditRecord } from '../../core/audit/record.ts'
import { preAuthenticationEncoding } from '../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { portableCrypto } from '../../core/crypto/portable.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { auditKey, FEDERATION } from './fixtures.ts'

const records = [
  '{"action":"federation.create","actor":{"id":"coordinator","kind":"system"},"at":"2026-01-05T09:30:00.000Z","details":{},"object":{"id":"fed_01HZX4T6Q8","kind":"federation"},"outcome":"ok","salt":"000102030405060708090a0b0c0d0e0f","seq":0,"v":1}',
  '{"action":"client.revoke","actor":{"id":"mem_7","kind":"member"},"at":"2026-01-05T09:31:07.250Z","details":{"reason":"key lost"},"object":{"id":"cli_3","kind":"client"},"outcome":"ok","salt":"101112131415161718191a1b1c1d1e1f","seq":1,"v":1}',
]
const leaves = [
  'c87adf950203526ed618e9ba57bda6c96d6870418e2be4f33d0b1460680aac5b',
  '7536bb62b88f9793080b9db3e23a867762de2aa8ac39d78d67a6549e656b3c83',
]
const heads = [
  'f7d039b1ee3f3b700af08a7005f7c9b436bd5b92ee7917f92e197ebdb8d968b1',
  '358c91f06f1bc0ba220ae44e5a4adc839051f9d6dfbfcacb068b1d9bd78235d3',
]
const checkpoint = {
  at: '2026-01-05T09:31:08.000Z',
  federation: FEDERATION,
  head: heads[1]!,
  seq: 1,
  v: 1,
} as const

test.each([
  ['node', nodeCrypto],
  ['portable', portableCrypto],
])('the chain, with the crypto of %s', (_name, crypto) => {
  let head = genesisHead(crypto, FEDERATION)
  expect(toHex(head)).toBe('d20ac7b8dac25fe5feccfa703377d10a0127e7abd05ae71598b3e91f7b0eb814')
  for (const [i, text] of records.entries()) {
    expect(readAuditRecord(text).seq).toBe(i)
    const leaf = leafOf(crypto, text)
    expect(toHex(leaf)).toBe(leaves[i])
    head = nextHead(crypto, head, leaf)
    expect(toHex(head)).toBe(heads[i])
  }
})

test('the checkpoint', async () => {
  expect(toHex(auditKey.publicKey)).toBe('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8')
  const line = await checkpointSigner(auditKey).sign(checkpoint)
  const payload =
    '{"at":"2026-01-05T09:31:08.000Z","federation":"fed_01HZX4T6Q8","head":"358c91f06f1bc0ba220ae44e5a4adc839051f9d6dfbfcacb068b1d9bd78235d3","seq":1,"v":1}'
  expect(JSON.parse(line)).toEqual({
    payload: Buffer.from(payload).toString('base64'),
    payloadType: 'application/vnd.parley.audit-checkpoint+json',
    signatures: [{ sig: 'DSA3ijc8F3U1XZvsj2DNmAtPD6DUVvXm7d2CaWtLO8ZmcLcvtW29moPuHqHLTIDB2bOvATTPHMsPuBXignZVDg==' }],
  })
  expect(toHex(nodeCrypto.sha256(preAuthenticationEncoding(AUDIT_CHECKPOINT_TYPE, utf8(payload))))).toBe(
    '269b94373011ade743bfe7c004d2d0b65f128a3cc7d9a13e5e4de61b0ed7fbe9',
  )
  expect((await readCheckpoint(nodeCrypto, auditKey.publicKey, line)).checkpoint).toEqual(checkpoint)
})
