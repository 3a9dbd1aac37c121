import { newReleaseKey, nodeEcdsa, nodeReleaseSigner } from '../../core/attestation/node.ts'
import type { FolderEntry, FolderReader } from '../../core/attestation/ports.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import type { WeightsInput } from '../../core/export/exported.ts'
import { canonicalPlan } from '../../core/plan/parse.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type Verification, verifyVersion } from '../../core/release/verify.ts'
import { layoutBytes, layoutOf, type TensorSpec } from '../../core/tensors/layout.ts'
import { writeModel } from '../../core/tensors/safetensors.ts'
import type { Candidate } from '../../server/registry/manifest.ts'
import type { PublishDeps } from '../../server/registry/publish.ts'
import { manifestIn } from '../../server/registry/published.ts'
import { Registry, type RegistryDeps } from '../../server/registry/registry.ts'
import { StoredFolder } from '../../server/registry/stored-folder.ts'
import type { Store, VersionRecord } from '../../server/store/ports.ts'
import { planOf } from './plans.ts'

export const releaseSigner = nodeReleaseSigner(newReleaseKey())

export function publishDeps(store: Store, key: SigningKey, now: () => number): PublishDeps {
  return {
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    records: store.records,
    blobs: store.blobs,
    journal: store.journal,
    key,
    signer: releaseSigner,
    builder: 'https://parley.example/coordinators/test',
    kernels: 'd'.repeat(64),
    now,
    parleyVersion: '0.1.0',
  }
}

export function registryOf(
  store: Store,
  key: SigningKey,
  { now = () => 0, ...changes }: Partial<RegistryDeps> = {},
): Registry {
  const deps = { ...publishDeps(store, key, now), records: store.records }
  return new Registry({ ...deps, approvers: () => undefined, approvalsNeeded: 0, ...changes })
}

/** A candidate of `heart` with so many parameters, its weights in the store, that has passed a gate. */
export async function candidateIn(
  store: Store,
  round: number,
  changes: Partial<Candidate> & {
    readonly values?: readonly number[]
    readonly tensors?: readonly TensorSpec[]
    readonly source?: Plan
  } = {},
): Promise<Candidate> {
  const { values = [round, 2, 3, 4], tensors, source: plan = planOf({ inputs: 3 }), ...rest } = changes
  const layout = layoutOf(tensors ?? [{ name: 'w', shape: [values.length] }])
  const file = writeModel(layout, Float32Array.from(values))
  return {
    model: 'heart',
    run: 'run_1',
    round,
    weights: { digest: await store.blobs.put(file), bytes: file.length },
    layout: toHex(nodeCrypto.sha256(layoutBytes(layout))),
    parameters: values.length,
    plan: toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan)))),
    base: 'b'.repeat(64),
    rule: 'mean',
    clients: { invited: 3, accepted: 3, refused: 0 },
    gates: [{ gate: 'auc-min', metric: 'auc', verdict: 'pass', value: 0.8, bound: 0.7, explanation: 'auc 0.8' }],
    evidence: {
      plan,
      startedAt: 0,
      rounds: [{ round, pooled: undefined }],
      sites: [],
      groups: [],
      participants: ['a', 'b'],
      updates: { kind: 'updates', updates: [{ round, client: 'a', digest: 'e'.repeat(64) }] },
      rejected: [{ round, client: 'b', code: 'update.norm-limit' }],
    },
    ...rest,
  }
}

/** The tensors of the plan's own model: a candidate that has them has derivatives. */
export const logisticTensors = [
  { name: 'dense_1/bias', shape: [1] },
  { name: 'dense_1/kernel', shape: [3, 1] },
] as const

/** A candidate of this very model. */
export function candidateOf(store: Store, { model, data, layout, weights }: WeightsInput): Promise<Candidate> {
  const plan = { ...planOf({ name: 'heart' }), model, data: data as Plan['data'] }
  return candidateIn(store, 1, { values: [...weights], tensors: layout, source: plan })
}

/** All files of a published version, by path. */
export async function filesOf(store: Store, { envelope }: VersionRecord): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const { path, sha256, bytes } of manifestIn(envelope).files) {
    files.set(path, Uint8Array.from(await store.blobs.read(sha256, 0, bytes)))
  }
  return files
}

/** A folder in memory. Files whose path ends with `@` are links to nowhere. */
export function folderOf(files: ReadonlyMap<string, Uint8Array>): FolderReader {
  return {
    *list(skip): Generator<FolderEntry> {
      for (const path of files.keys()) {
        if (!skip(path))
          yield path.endsWith('@') ? { path: path.slice(0, -1), kind: 'symlink' } : { path, kind: 'file' }
      }
    },
    *open(path) {
      yield files.get(path) ?? new Uint8Array(0)
    },
  }
}

/** As a consumer verifies it that has nothing but the coordinator's public key. */
export function verifyStored(
  store: Store,
  { envelope, model, number }: VersionRecord,
  publicKey: Uint8Array,
): Promise<Verification> {
  const folder = new StoredFolder(store.blobs, manifestIn(envelope).files)
  const common = { crypto: nodeCrypto, ecdsa: nodeEcdsa, publicKey, folder }
  return verifyVersion({ ...common, envelope: utf8(envelope), expected: { model, number } })
}
