import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AUDIT_FOLDER, AuditLog } from '../audit/index.ts'
import { newReleaseKey, nodeReleaseSigner } from '../core/attestation/node.ts'
import type { ReleaseSigner } from '../core/attestation/ports.ts'
import type { AuditRecord } from '../core/audit/record.ts'
import { nodeCrypto } from '../core/crypto/node.ts'
import type { SigningKey } from '../core/crypto/primitives.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { systemClock } from '../core/system-clock.ts'
import { type AllowList, collectFacts, parseAllowList } from '../server/index.ts'
import { create, existing, secretFile } from './secret-files.ts'

/** The folder of one coordinator or client, by the names of its files. */
export type Home = {
  readonly identity: string
  readonly sealingSecret: string
  readonly adminToken: string
  readonly releaseKey: string
  readonly approvers: string
  readonly clients: string
  readonly consumers: string
  readonly store: string
  readonly rounds: string
  readonly controls: string
  readonly ledger: string
  readonly recordLedger: string
  readonly policy: string
  readonly policyKey: string
  readonly policyState: string
  readonly audit: string
  readonly auditKey: string
  /** Of a client: what it has seen of the coordinator's audit log, and the key that signed it. */
  readonly checkpoints: { readonly lines: string; readonly key: string }
  /** Of a coordinator: key and certificate of its authority; its own for TLS, and the names that this is for. */
  readonly authority: { readonly key: string; readonly certificate: string }
  readonly tls: { readonly key: string; readonly certificate: string; readonly names: string }
  /** Of a client: the federation that it has joined. */
  readonly federation: string
}

export function homeOf(folder: string): Home {
  return {
    identity: join(folder, 'identity.key'),
    sealingSecret: join(folder, 'sealing.key'),
    adminToken: join(folder, 'admin.token'),
    releaseKey: join(folder, 'release.key'),
    approvers: join(folder, 'approvers.json'),
    clients: join(folder, 'clients.json'),
    consumers: join(folder, 'consumers.json'),
    store: join(folder, 'store'),
    rounds: join(folder, 'rounds.json'),
    controls: join(folder, 'controls'),
    ledger: join(folder, 'privacy-ledger.json'),
    recordLedger: join(folder, 'record-ledger.json'),
    policy: join(folder, 'policy.yaml'),
    policyKey: join(folder, 'policy-key.pub'),
    policyState: join(folder, 'policy-state'),
    audit: join(folder, AUDIT_FOLDER),
    auditKey: join(folder, 'audit.key'),
    checkpoints: {
      lines: join(folder, 'coordinator-checkpoints.jsonl'),
      key: join(folder, 'coordinator-audit-key.json'),
    },
    authority: { key: join(folder, 'authority.key'), certificate: join(folder, 'authority.crt') },
    tls: { key: join(folder, 'tls.key'), certificate: join(folder, 'tls.crt'), names: join(folder, 'tls.names') },
    federation: join(folder, 'federation.json'),
  }
}

/** The Ed25519 identity of a home; made at the first call. */
export async function identityOf(home: Home): Promise<SigningKey> {
  return nodeCrypto.signingKey(await secretFile(home.identity))
}

/** The release key of a coordinator's home; made at the first call. Throws `config.invalid`. */
export async function releaseSignerOf(home: Home): Promise<ReleaseSigner> {
  return nodeReleaseSigner((await existing(home.releaseKey)) ?? (await create(home.releaseKey, newReleaseKey())))
}

/**
 * The audit log of a home, opened to be written: of the coordinator or client that has this identity. Its own key is made at the
 * first call. Throws `audit.corrupt`, `audit.locked`, `audit.unavailable`, `config.invalid`.
 */
export async function auditLogOf(
  home: Home,
  identity: SigningKey,
  seen?: (record: AuditRecord) => void,
): Promise<AuditLog> {
  return await AuditLog.open(home.audit, {
    federation: toHex(identity.publicKey),
    key: nodeCrypto.signingKey(await secretFile(home.auditKey)),
    crypto: nodeCrypto,
    clock: systemClock,
    ...(seen === undefined ? {} : { seen }),
  })
}

/** The log of a coordinator’s home, with what it has of runs already. */
export async function coordinatorAuditOf(home: Home, identity: SigningKey) {
  const { facts, seen } = collectFacts()
  return { log: await auditLogOf(home, identity, seen), facts }
}

export type ListedClient = { readonly id: string; readonly publicKey: string }

/** The listed clients of a coordinator's home; none when there is no list yet. */
export async function readClients(path: string): Promise<{ list: AllowList; clients: readonly ListedClient[] }> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? { list: parseAllowList({ clients: [] }), clients: [] } : parseClients(text, path)
}

/** A list of clients, from the file at `path`. Throws `config.invalid`. */
export function parseClients(text: string, path: string): { list: AllowList; clients: readonly ListedClient[] } {
  const value = parseJson(text, path)
  return { list: parseAllowList(value), clients: (value as { clients: ListedClient[] }).clients }
}

/** Adds a client to the list. Adding the same one again changes nothing; another key under its id is refused. */
export async function addClient(path: string, client: ListedClient): Promise<void> {
  const { clients } = await readClients(path)
  if (clients.some(({ id, publicKey }) => id === client.id && publicKey === client.publicKey)) return
  const value = { clients: [...clients, client] }
  parseAllowList(value)
  await replaceFile(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** Replaces a file so that a reader sees the old or the new one, and never a part. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${toHex(nodeCrypto.randomBytes(4))}.tmp`
  await writeFile(temporary, content, { mode: 0o600, flush: true })
  await rename(temporary, path)
}

export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ParleyError('config.invalid', `${path} is not JSON`, { cause })
  }
}
