import { hostname } from 'node:os'
import { ParleyError } from '../../core/errors/index.ts'
import { type Authority, createAuthority, endOf, type KeyPair, openAuthority } from '../../server/index.ts'
import { type Home, replaceFile } from '../home.ts'
import { create, existing } from '../secret-files.ts'

const DAY_MS = 24 * 3_600_000
/** How long certificates of the coordinator itself are good for. */
const SERVER_MS = 90 * DAY_MS

/** Makes the authority of a federation. Throws `config.invalid` where there is one: a new one would lock everybody out. */
export async function makeAuthority({ authority }: Home, name: string, now: number): Promise<Authority> {
  if ((await existing(authority.key)) !== undefined) {
    throw new ParleyError('config.invalid', `${authority.key} is there already: this federation has its authority`)
  }
  const pair = await createAuthority(name, now)
  await create(authority.key, pair.key)
  await replaceFile(authority.certificate, pair.certificate)
  return await openAuthority(pair)
}

/** The authority of a coordinator's home; undefined where `parley init` was not run. */
export async function authorityOf({ authority }: Home): Promise<Authority | undefined> {
  const key = await existing(authority.key)
  if (key === undefined) return undefined
  const certificate = await existing(authority.certificate)
  if (certificate === undefined) throw new ParleyError('config.invalid', `${authority.certificate} is missing`)
  return await openAuthority({ key, certificate })
}

/** The certificate of the coordinator for TLS, which the authority makes anew when two thirds of its time are over. */
export class ServerCertificate {
  readonly #authority: Authority
  readonly #home: Home
  readonly #names: readonly string[]

  constructor(authority: Authority, home: Home, names: readonly string[]) {
    this.#authority = authority
    this.#home = home
    this.#names = [...new Set([...names, 'localhost', '127.0.0.1', hostname()])]
  }

  /** The present one, or a new one where that is due or made for other names. */
  async current(now: number): Promise<{ readonly cert: string; readonly key: string; readonly renewAt: number }> {
    const { tls } = this.#home
    const [key, certificate, names] = await Promise.all([tls.key, tls.certificate, tls.names].map(existing))
    const asked = this.#names.join('\n')
    const isGood = key !== undefined && certificate !== undefined && names?.trim() === asked
    const renewAt = certificate === undefined ? 0 : endOf(certificate) - SERVER_MS / 3
    if (isGood && renewAt > now) return this.#whole({ key, certificate }, renewAt)
    const made = await this.#authority.issueServer(this.#names, { from: now, until: now + SERVER_MS })
    await replaceFile(tls.key, made.key)
    await replaceFile(tls.certificate, made.certificate)
    await replaceFile(tls.names, `${asked}\n`)
    return this.#whole(made, now + (2 * SERVER_MS) / 3)
  }

  #whole({ key, certificate }: KeyPair, renewAt: number) {
    // The authority goes along, so that clients which have its fingerprint alone can find it.
    return { key, cert: `${certificate}${this.#authority.certificate}`, renewAt }
  }
}
