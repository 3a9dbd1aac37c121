import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AuditLog,
  type EvidenceReport,
  openBundle,
  type PinnedKeys,
  tarEnd,
  tarHeader,
  tarPadding,
  verifyEvidence,
} from '../../audit/index.ts'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import { genesisHead, leafOf, nextHead } from '../../core/audit/chain.ts'
import { checkpointSigner, readCheckpoint } from '../../core/audit/checkpoint.ts'
import { auditLineText, readAuditLine } from '../../core/audit/line.ts'
import { type AuditRecord, auditRecordText } from '../../core/audit/record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { collectFacts } from '../../server/audit/recorded-facts.ts'
import { auditKey } from '../audit/fixtures.ts'
import { addingTrainer, coordinatorKey } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'

export type Files = Map<string, Uint8Array>

/** A coordinator with an audit log that has published two versions of `tiny`, and the ways to take its evidence away. */
export class Exporting {
  readonly started: Started
  readonly folder: string
  readonly runs: readonly string[]

  private constructor(started: Started, folder: string, runs: readonly string[]) {
    this.started = started
    this.folder = folder
    this.runs = runs
  }

  static async create(): Promise<Exporting> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-evidence-'))
    const { facts, seen } = collectFacts()
    const federation = toHex(coordinatorKey.publicKey)
    const options = { federation, key: auditKey, crypto: nodeCrypto, clock: systemClock, seen }
    const log = await AuditLog.open(join(folder, 'log'), options)
    const started = await Started.create({ audit: { log, facts } })
    started.addClient('a', 'ws', addingTrainer(1))
    started.addClient('b', 'grpc', addingTrainer(3))
    const runs: string[] = []
    for (const rounds of [1, 2]) {
      const { run } = await started.running.api.startRun(planText({ rounds }))
      await started.view(run)
      runs.push(run)
    }
    return new Exporting(started, folder, runs)
  }

  get url(): string {
    return this.started.running.urls.http
  }

  async export(query = 'all=true'): Promise<Uint8Array> {
    const headers = { authorization: `Bearer ${adminToken}` }
    const response = await fetch(`${this.url}/v1/evidence?${query}`, { headers })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return new Uint8Array(await response.arrayBuffer())
  }

  async stop(): Promise<void> {
    await this.started.stop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** The files of a bundle, by the tests’ own reading of a tar file. */
export function unpack(tar: Uint8Array): Files {
  const files: Files = new Map()
  const bytes = Buffer.from(tar)
  for (let at = 0; bytes[at] !== 0; ) {
    const word = (start: number, length: number) =>
      bytes.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '')
    const prefix = word(345, 155)
    const size = Number.parseInt(word(124, 12), 8)
    const path = prefix === '' ? word(0, 100) : `${prefix}/${word(0, 100)}`
    files.set(path, Uint8Array.from(bytes.subarray(at + 512, at + 512 + size)))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

export function pack(files: Files): Uint8Array {
  const pieces = [...files].flatMap(([path, content]) => [
    tarHeader(path, content.length, 0),
    content,
    tarPadding(content.length),
  ])
  return Buffer.concat([...pieces, tarEnd])
}

export const pinned: PinnedKeys = { audit: auditKey.publicKey }

/** Verifies a bundle as a file in a folder of its own. */
export async function verify(tar: Uint8Array, keys: PinnedKeys = pinned): Promise<EvidenceReport> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bundle-'))
  try {
    await writeFile(join(folder, 'evidence.tar'), tar)
    const source = await openBundle(join(folder, 'evidence.tar'))
    try {
      return await verifyEvidence({ crypto: nodeCrypto, ecdsa: nodeEcdsa }, source, { keys })
    } finally {
      await source.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const text = (files: Files, path: string) => fromUtf8(files.get(path) ?? new Uint8Array(0))

export const LOG = 'audit/audit-0.jsonl'

export function linesOf(files: Files, path = LOG): string[] {
  return text(files, path).trimEnd().split('\n')
}

export function setLines(files: Files, lines: readonly string[], path = LOG): void {
  files.set(path, utf8(lines.map((line) => `${line}\n`).join('')))
}

export function recordsOf(files: Files): AuditRecord[] {
  return linesOf(files).map((line) => {
    const { record } = readAuditLine(line)
    if (record === undefined) throw new Error('a record is redacted')
    return record
  })
}

/** Writes the log anew, as whoever has the audit key could: with other records, numbered, chained and signed. */
export async function rewrite(files: Files, change: (records: AuditRecord[]) => AuditRecord[]): Promise<void> {
  const federation = toHex(coordinatorKey.publicKey)
  let head = genesisHead(nodeCrypto, federation)
  const records = change(recordsOf(files)).map((record, seq) => ({ ...record, seq }))
  const lines = records.map((record) => {
    const recordText = auditRecordText(record)
    const leaf = leafOf(nodeCrypto, recordText)
    head = nextHead(nodeCrypto, head, leaf)
    return auditLineText(toHex(head), toHex(leaf), recordText)
  })
  setLines(files, lines)
  const at = records.at(-1)?.at ?? ''
  const line = await checkpointSigner(auditKey).sign({ at, federation, head: toHex(head), seq: lines.length - 1, v: 1 })
  await readCheckpoint(nodeCrypto, auditKey.publicKey, line)
  setLines(files, [line], 'audit/checkpoints.jsonl')
}
