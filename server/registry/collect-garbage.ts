import { ParleyError } from '../../core/errors/index.ts'
import type { Digest, Journal, Store } from '../store/ports.ts'
import { manifestIn } from './published.ts'

export type GarbageRequest = {
  /** Runs that started before this (RFC 3339) lose what only they need. */
  readonly before: string
  /** Only say what would be removed. */
  readonly dryRun: boolean
}

export type Garbage = {
  readonly blobs: number
  readonly bytes: number
  readonly kept: number
  readonly removed: boolean
}

const DIGEST = /[0-9a-f]{64}/g

/**
 * Removes blobs that nothing needs any more: models and vectors of rounds of old runs that were neither published nor kept as
 * candidates, and what a publication left that came to nothing. What stays: all files of all versions, the weights and plans of
 * candidates, and whatever the journal of a newer run names. Rounds of old runs can then no longer be computed again; audits say
 * so. Fails with `run.conflict` while a run is active: its newest blobs are named nowhere yet; with `store.locked` while a backup is
 * made.
 */
export async function collectGarbage(store: CollectedStore, request: GarbageRequest): Promise<Garbage> {
  const release = request.dryRun ? undefined : await store.holdBlobs?.()
  try {
    return await collect(store, request)
  } finally {
    release?.()
  }
}

export type CollectedStore = Pick<Store, 'blobs' | 'records' | 'holdBlobs'> & {
  readonly journal: Pick<Journal, 'read'>
}

async function collect({ blobs, records, journal }: CollectedStore, { before, dryRun }: GarbageRequest) {
  const runs = await records.runs()
  const active = runs.find(({ status }) => status === 'active')
  if (active !== undefined)
    throw new ParleyError('run.conflict', `run ${active.id} is active: stop it, or wait for its end`)
  const needed = new Set<Digest>()
  for (const { id, plan, createdAt } of runs) {
    needed.add(plan)
    if (createdAt < before) continue
    for (const entry of await journal.read(id)) for (const [digest] of entry.matchAll(DIGEST)) needed.add(digest)
  }
  for (const model of await records.models()) {
    for (const { weights, envelope } of await records.versions(model)) {
      needed.add(weights)
      for (const { sha256 } of manifestIn(envelope).files) needed.add(sha256)
    }
  }
  for (const model of new Set(runs.map((run) => run.model))) {
    for (const { weights } of await records.candidates(model)) needed.add(weights)
  }
  let [removed, bytes, kept] = [0, 0, 0]
  for await (const digest of blobs.list()) {
    if (needed.has(digest)) {
      kept++
      continue
    }
    removed++
    bytes += (await blobs.size(digest)) ?? 0
    if (!dryRun) await blobs.remove(digest)
  }
  return { blobs: removed, bytes, kept, removed: !dryRun }
}
