/** Peak memory of a coordinator that aggregates updates far larger than its memory, from sealed files on the disk. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeCrypto } from '../core/crypto/node.ts'
import { roundAgreementKey, SEALED_SEGMENT_BYTES, sealedLength, sealer, segmentLength } from '../core/crypto/seal.ts'
import { bytesView, toHex } from '../core/encoding/bytes.ts'
import { randomOf } from '../core/random/random.ts'
import { writeHeader } from '../core/tensors/safetensors.ts'
import { SEGMENT_BYTES } from '../core/wire/limits.ts'
import { openDurableStore, type Store } from '../server/index.ts'
import type { AcceptedUpdate } from '../server/rounds/state.ts'

/** 3.35 GB of float32: a model of 837.5 million parameters. */
const PARAMETERS = 837_500_000
export const sealingSecret = new Uint8Array(32).fill(2)
export const run = 'run_0000000000000001'

export type MemoryInput = {
  readonly folder: string
  readonly parameters: number
  readonly model: { readonly digest: string; readonly bytes: number }
  readonly accepted: readonly AcceptedUpdate[]
  readonly aggregation: object
}
export type MemoryRow = {
  readonly rule: string
  readonly n: number
  readonly bytesPerUpdate: number
  readonly rssMiB: number
  readonly seconds: number
}

const rules = [
  { name: 'trimmed-mean', aggregation: (f: number) => ({ rule: { 'trimmed-mean': { f } } }) },
  { name: 'nnm, multi-krum', aggregation: (f: number) => ({ before: ['nnm'], rule: { 'multi-krum': { f } } }) },
]

export async function benchMemory(parameters = PARAMETERS): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-memory-'))
  try {
    const input = await prepare(folder, parameters, 12)
    const rows: MemoryRow[] = []
    for (const n of [6, 12]) {
      for (const { name, aggregation } of rules) {
        process.stderr.write(`${name}, ${n} updates\n`)
        const accepted = input.accepted.slice(0, n)
        const measured = await measure({ ...input, accepted, aggregation: aggregation(n / 6) })
        rows.push({ rule: name, n, bytesPerUpdate: 4 * parameters, ...measured })
      }
    }
    return { rows }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(input: MemoryInput): Promise<{ rssMiB: number; seconds: number }> {
  const file = join(input.folder, 'input.json')
  await writeFile(file, JSON.stringify(input))
  const script = fileURLToPath(new URL('./memory-coordinator.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, file])
  return JSON.parse(stdout)
}

async function prepare(folder: string, parameters: number, n: number): Promise<Omit<MemoryInput, 'aggregation'>> {
  const store = await openDurableStore({ folder })
  try {
    const model = await storeModel(store, parameters)
    const accepted: AcceptedUpdate[] = []
    for (let client = 0; client < n; client++) {
      process.stderr.write(`sealing update ${client + 1} of ${n}\n`)
      accepted.push(await storeUpdate(store, parameters, model.digest, client))
    }
    return { folder, parameters, model, accepted }
  } finally {
    await store.close()
  }
}

async function storeModel({ blobs }: Store, parameters: number) {
  const header = writeHeader([{ name: 'w', shape: [parameters] }])
  const writer = await blobs.create()
  await writer.write(header)
  const zeros = new Uint8Array(SEGMENT_BYTES)
  for (let at = 0; at < 4 * parameters; at += SEGMENT_BYTES) {
    await writer.write(zeros.subarray(0, Math.min(SEGMENT_BYTES, 4 * parameters - at)))
  }
  return { digest: await writer.commit(), bytes: header.length + 4 * parameters }
}

async function storeUpdate(
  { spool }: Store,
  parameters: number,
  model: string,
  index: number,
): Promise<AcceptedUpdate> {
  const plainBytes = 4 * parameters
  const client = `client-${String(index).padStart(2, '0')}`
  const layout = '0'.repeat(64)
  const roundKey = roundAgreementKey(nodeCrypto, sealingSecret, run, 1).publicKey
  const context = { run, round: 1, client, model, layout, plainBytes }
  const seal = sealer(nodeCrypto, roundKey, nodeCrypto.randomBytes(32), context)
  const random = randomOf(index, 'update')
  const values = Float32Array.from({ length: SEGMENT_BYTES / 4 }, () => random.uniform() - 0.5)
  const writer = await spool.create()
  for (let segment = 0; segment < Math.ceil(plainBytes / SEGMENT_BYTES); segment++) {
    const plain = bytesView(values).subarray(0, segmentLength(plainBytes, segment))
    const sealed = new Uint8Array(SEALED_SEGMENT_BYTES).subarray(0, plain.length + SEALED_SEGMENT_BYTES - SEGMENT_BYTES)
    seal.segment(segment, plain, sealed)
    await writer.write(sealed)
  }
  const header = {
    v: 1,
    run,
    round: 1,
    client,
    mode: 'sealed',
    model,
    layout,
    oneTimeKey: toHex(seal.publicKey),
    bytes: sealedLength(plainBytes),
    sha256: await writer.commit(),
    samples: 1,
    steps: 1,
    loss: '0',
  } as const
  return { client, header, signature: '', norm: Math.sqrt(parameters / 12) }
}
