import { createHash, randomBytes } from 'node:crypto'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { MemberRecord } from '../store/member-ports.ts'
import { randomText } from './passwords.ts'
import { acceptedStep, SECRET_BYTES } from './totp.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
export const RECOVERY_CODES = 10

/** Secrets of second factors lie in the store under AES-256-GCM, for a key that follows from the coordinator's sealing secret. */
export class SecondFactors {
  readonly #key: Uint8Array

  constructor(sealingSecret: Uint8Array) {
    this.#key = nodeCrypto.hkdf(sealingSecret, new Uint8Array(), utf8('parley second factors of members 1'), 32)
  }

  create(member: string): { readonly secret: Uint8Array; readonly sealed: string } {
    const secret = randomBytes(SECRET_BYTES)
    const nonce = nodeCrypto.randomBytes(NONCE_BYTES)
    const into = new Uint8Array(SECRET_BYTES + TAG_BYTES)
    nodeCrypto.sealAead(this.#key, nonce, utf8(member), secret, into)
    return { secret, sealed: toHex(nonce) + toHex(into) }
  }

  /** Throws `store.corrupt` for what is not the member's, or lies under another key. */
  open(member: string, sealed: string): Uint8Array {
    const bytes = fromHex(sealed) ?? new Uint8Array()
    const secret =
      bytes.length === NONCE_BYTES + SECRET_BYTES + TAG_BYTES
        ? nodeCrypto.openAead(this.#key, bytes.subarray(0, NONCE_BYTES), utf8(member), bytes.subarray(NONCE_BYTES))
        : undefined
    if (secret === undefined) throw new ParleyError('store.corrupt', 'a second factor does not open under sealing.key')
    return secret
  }

  /**
   * The member after this code was used, of its second factor or one of its recovery codes; undefined for one that is
   * wrong or was used. A member without a second factor needs none.
   */
  use(member: MemberRecord, code: string, now: number): MemberRecord | undefined {
    const { secondFactor, id, recoveryCodes } = member
    if (secondFactor === undefined) return member
    const step = acceptedStep(this.open(id, secondFactor.sealed), code, now, secondFactor.step)
    if (step !== undefined) return { ...member, secondFactor: { ...secondFactor, step } }
    const hash = recoveryHash(code)
    if (!recoveryCodes.includes(hash)) return undefined
    return { ...member, recoveryCodes: recoveryCodes.filter((one) => one !== hash) }
  }
}

/** Codes of 80 bits each: they cannot be guessed from their hashes. */
export function newRecoveryCodes(): { readonly codes: readonly string[]; readonly hashes: readonly string[] } {
  const codes = Array.from({ length: RECOVERY_CODES }, () => randomText(4, 4))
  return { codes, hashes: codes.map(recoveryHash) }
}

function recoveryHash(code: string): string {
  return createHash('sha256').update(`parley recovery code 1\n${code.trim().toLowerCase()}`).digest('hex')
}
