import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { DataFiles } from '../../../client/data/load.ts'
import type { TaskPolicy } from '../../../client/node/policy.ts'
import { filePolicy, reviewsIn } from '../../../client/policy/file-policy.ts'
import { checkPolicy } from '../../../client/policy/parse.ts'
import { loadPolicy } from '../../../client/policy/policy-file.ts'
import { type Decision, signDecision, signPolicy } from '../../../client/policy/signed.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import type { SigningKey } from '../../../core/crypto/primitives.ts'
import { toHex } from '../../../core/encoding/bytes.ts'
import type { ParleyError } from '../../../core/errors/index.ts'
import { coordinatorKey, keyOf } from '../../support/federation.ts'
import { studyOf } from './policies.ts'

export const siteKey = nodeCrypto.signingKey(new Uint8Array(32).fill(21))
export const secondPerson = nodeCrypto.signingKey(new Uint8Array(32).fill(22))

/** A client's folder with its policy, on a day that moves when it is told to. */
export class Site {
  readonly folder: string
  readonly name: string
  readonly invalid: ParleyError[] = []
  now = Date.parse('2026-12-02T12:00:00Z')

  private constructor(folder: string, name: string) {
    this.folder = folder
    this.name = name
  }

  static async create(name: string, studies: object, rest: object = {}): Promise<Site> {
    const site = new Site(await mkdtemp(join(tmpdir(), 'parley-policy-')), name)
    await mkdir(site.folder, { recursive: true })
    await site.write(studies, rest)
    await writeFile(site.path('key.pub'), `${toHex(siteKey.publicKey)}\n`)
    return site
  }

  /** A policy, and its signature beside it. */
  async write(studies: object, rest: object = {}, key: SigningKey = siteKey): Promise<void> {
    const policy = {
      policy: 1,
      coordinators: { consortium: toHex(coordinatorKey.publicKey) },
      data: { heart: { csv: 'heart.csv', rows: { train: 10, heldOut: 5 } } },
      studies,
      ...rest,
    }
    await writeFile(this.path('policy.yaml'), stringify(policy))
    await writeFile(this.path('policy.dsse.json'), signPolicy(nodeCrypto, key, checkPolicy(policy)))
  }

  /** The policy as a client reads it that has just been started. */
  async policy(data?: DataFiles): Promise<TaskPolicy> {
    return await filePolicy({
      ...this.#options,
      clock: { now: () => this.now },
      path: this.path('policy.yaml'),
      keyPath: this.path('key.pub'),
      onInvalid: (error) => this.invalid.push(error),
      ...(data === undefined ? {} : { data }),
    })
  }

  async reviews() {
    return await reviewsIn(this.#options).list(await this.trusted())
  }

  trusted() {
    return loadPolicy(nodeCrypto, this.path('policy.yaml'), this.path('key.pub'))
  }

  async decide(plan: string, said: Partial<Decision>, key: SigningKey = siteKey): Promise<void> {
    const decision: Decision = {
      v: 1,
      decision: 'approve',
      plan,
      client: toHex(keyOf(this.name).publicKey),
      coordinator: toHex(coordinatorKey.publicKey),
      at: new Date(this.now).toISOString(),
      ...said,
    }
    await reviewsIn(this.#options).decide(plan, key.publicKey, signDecision(key, decision))
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  get #options() {
    return { crypto: nodeCrypto, state: this.path('state'), client: keyOf(this.name).publicKey }
  }
}

export { studyOf }
