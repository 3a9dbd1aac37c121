import { checkContinuity, recordsKept, type ToldState } from '../../core/audit/continuity.ts'
import {
  checkHandshake,
  HANDSHAKE_NONCE_BYTES,
  type HandshakeTranscript,
  PROTOCOL_VERSION,
  proveHandshake,
} from '../../core/crypto/handshake.ts'
import { equalBytes, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { expectFrame } from '../../core/wire/expect-frame.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import type { Link } from '../../core/wire/link.ts'
import type { ClientOptions } from './options.ts'

const sealed = ['mode:sealed']
const both = [...sealed, 'mode:masked']

type HandshakeOptions = Pick<
  ClientOptions,
  'crypto' | 'identity' | 'coordinatorKey' | 'agent' | 'limits' | 'masking' | 'checkpoints'
>

/**
 * The client's half of the handshake. Throws `node.untrusted-coordinator` unless the coordinator proves the pinned key,
 * before anything is proved to it, and `audit.fork` where its audit log does not go on from what was seen of it.
 */
export async function openHandshake(options: HandshakeOptions, link: Link): Promise<FrameOf<'welcome'>> {
  const { crypto, identity, coordinatorKey, limits, checkpoints } = options
  const transcript = await meetCoordinator(options, link)
  const coordinator = toHex(coordinatorKey)
  const kept = await checkpoints?.last()
  const auditRecords = await recordsKept(crypto, coordinator, kept)
  await link.send({ type: 'authenticate', signature: proveHandshake(identity, 'client', transcript), auditRecords })
  const welcome = await expectFrame(link, 'welcome', limits.handshakeBytes, 'session.protocol')
  if (checkpoints !== undefined) {
    const next = await checkContinuity(crypto, coordinator, kept, toldIn(welcome))
    if (next !== undefined && next !== kept) await checkpoints.keep(next)
  }
  return welcome
}

function toldIn({ audit }: FrameOf<'welcome'>): ToldState | undefined {
  if (audit === null) return undefined
  try {
    const { publicKey, newest, held } = audit
    return { publicKey, newest: fromUtf8(newest), held: held.length === 0 ? undefined : fromUtf8(held) }
  } catch (cause) {
    throw new ParleyError('audit.fork', 'what the coordinator says of its audit log is not text', { cause })
  }
}

/** The first half of it: the coordinator has proved the pinned key, and knows of the client only what it says of itself. */
export async function meetCoordinator(options: HandshakeOptions, link: Link): Promise<HandshakeTranscript> {
  const { crypto, identity, coordinatorKey, limits } = options
  const capabilities = options.masking === undefined ? sealed : both
  const clientNonce = crypto.randomBytes(HANDSHAKE_NONCE_BYTES)
  await link.send({
    type: 'hello',
    minVersion: PROTOCOL_VERSION,
    maxVersion: PROTOCOL_VERSION,
    publicKey: identity.publicKey,
    nonce: clientNonce,
    capabilities,
    agent: options.agent,
  })
  const challenge = await expectFrame(link, 'challenge', limits.handshakeBytes, 'session.protocol')
  if (!equalBytes(challenge.publicKey, coordinatorKey)) {
    throw new ParleyError(
      'node.untrusted-coordinator',
      `the coordinator has the key ${toHex(challenge.publicKey)}, pinned is ${toHex(coordinatorKey)}`,
    )
  }
  if (challenge.version !== PROTOCOL_VERSION) {
    throw new ParleyError('version.unsupported', `the coordinator chose version ${challenge.version}`)
  }
  const transcript: HandshakeTranscript = {
    minVersion: PROTOCOL_VERSION,
    maxVersion: PROTOCOL_VERSION,
    version: challenge.version,
    offered: capabilities,
    agreed: challenge.capabilities,
    clientKey: identity.publicKey,
    clientNonce,
    coordinatorKey,
    coordinatorNonce: challenge.nonce,
  }
  checkHandshake(crypto, 'coordinator', transcript, challenge.signature)
  return transcript
}
