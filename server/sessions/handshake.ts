import {
  checkHandshake,
  chooseVersion,
  HANDSHAKE_NONCE_BYTES,
  type HandshakeTranscript,
  PROTOCOL_VERSION,
  proveHandshake,
} from '../../core/crypto/handshake.ts'
import { type Crypto, KEY_BYTES, type SigningKey } from '../../core/crypto/primitives.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { expectFrame } from '../../core/wire/expect-frame.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Link } from '../../core/wire/link.ts'
import type { AllowList } from './allow-list.ts'

export type HandshakeDeps = {
  readonly crypto: Crypto
  readonly identity: SigningKey
  readonly allowList: AllowList
  readonly limits: Limits
  readonly capabilities: readonly string[]
  /** What clients are told of the audit log; absent where there is none. */
  readonly auditState?: AuditStateOf
}

/** Who a peer has proved to be, and what its program calls itself, which nobody vouches for. */
export type Peer = { readonly client: string; readonly agent: string }

/** The signed state of the log, for a client that has kept a checkpoint of so many records; 0 for none. */
export type AuditStateOf = (records: number) => Promise<{
  readonly publicKey: Uint8Array
  readonly newest: string
  readonly held?: string
}>

/**
 * The coordinator's half of the handshake. Resolves with the client once it has proved its key. An unknown key
 * is refused at the end only, like a wrong proof, so that nobody learns here which keys are listed.
 */
export async function acceptHandshake(deps: HandshakeDeps, link: Link): Promise<Peer> {
  const { crypto, identity, limits } = deps
  const hello = await expectFrame(link, 'hello', limits.handshakeBytes, 'session.not-authenticated')
  const version = chooseVersion(hello.minVersion, hello.maxVersion)
  if (version === undefined) {
    throw new ParleyError(
      'version.unsupported',
      `this coordinator speaks version ${PROTOCOL_VERSION}, the client ${hello.minVersion} to ${hello.maxVersion}`,
    )
  }
  if (!wellFormed(hello)) throw new ParleyError('frame.malformed', 'a field of Hello is not of its form')
  const transcript: HandshakeTranscript = {
    minVersion: hello.minVersion,
    maxVersion: hello.maxVersion,
    version,
    offered: hello.capabilities,
    agreed: hello.capabilities.filter((one) => deps.capabilities.includes(one)),
    clientKey: hello.publicKey,
    clientNonce: hello.nonce,
    coordinatorKey: identity.publicKey,
    coordinatorNonce: crypto.randomBytes(HANDSHAKE_NONCE_BYTES),
  }
  await link.send({
    type: 'challenge',
    version,
    publicKey: transcript.coordinatorKey,
    nonce: transcript.coordinatorNonce,
    capabilities: [...transcript.agreed],
    signature: proveHandshake(identity, 'coordinator', transcript),
  })
  const { signature, auditRecords } = await expectFrame(
    link,
    'authenticate',
    limits.handshakeBytes,
    'session.not-authenticated',
  )
  checkHandshake(crypto, 'client', transcript, signature)
  const client = deps.allowList.idOf(hello.publicKey)
  if (client === undefined) throw deps.allowList.refusalOf?.(hello.publicKey) ?? new ParleyError('auth.failed')
  const audit = await auditOf(deps, auditRecords)
  await link.send({ type: 'welcome', client, idleMs: limits.idleMs, maxFrameBytes: limits.frameBytes, audit })
  return { client, agent: hello.agent.replace(/[\p{Cc}\p{Cf}]/gu, '') }
}

async function auditOf({ auditState }: HandshakeDeps, records: number): Promise<FrameOf<'welcome'>['audit']> {
  if (auditState === undefined) return null
  const { publicKey, newest, held = '' } = await auditState(Number.isSafeInteger(records) ? records : 0)
  return { publicKey, newest: utf8(newest), held: utf8(held) }
}

function wellFormed(hello: FrameOf<'hello'>): boolean {
  return (
    hello.publicKey.length === KEY_BYTES &&
    hello.nonce.length === HANDSHAKE_NONCE_BYTES &&
    hello.agent.length <= 100 &&
    hello.capabilities.length <= 32 &&
    hello.capabilities.every((one) => one.length <= 64 && one.isWellFormed())
  )
}
