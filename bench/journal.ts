import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDurableStore, type Store } from '../server/index.ts'

const MiB = 1024 * 1024

export type JournalBench = {
  /** One append after another, each waited for: milliseconds until it is on disk. */
  readonly appendMs: { readonly median: number; readonly p95: number }
  /** The same for 50 runs that append at the same time: milliseconds for each entry. */
  readonly togetherMs: number
  /** 100 MiB of a new blob in writes of 1 MiB, commit included. */
  readonly blobMBs: number
}

/** Measures the durable store on the disk of `folder`, by default the system's folder for temporary files. */
export async function benchJournal(folder: string = tmpdir()): Promise<JournalBench> {
  const home = await mkdtemp(join(folder, 'parley-bench-'))
  const store = await openDurableStore({ folder: home })
  try {
    return {
      appendMs: await appends(store),
      togetherMs: await together(store),
      blobMBs: await blob(store),
    }
  } finally {
    await store.close()
    await rm(home, { recursive: true })
  }
}

/** About what an accepted update leaves in the journal. */
const entry = JSON.stringify({ type: 'update-accepted', header: 'x'.repeat(900) })

async function appends({ journal }: Store): Promise<{ median: number; p95: number }> {
  const times: number[] = []
  for (let sequence = 0; sequence < 500; sequence++) {
    const started = performance.now()
    await journal.append('one', sequence, entry)
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return { median: times[250] ?? 0, p95: times[475] ?? 0 }
}

async function together({ journal }: Store): Promise<number> {
  const started = performance.now()
  for (let sequence = 0; sequence < 20; sequence++) {
    await Promise.all(Array.from({ length: 50 }, (_, run) => journal.append(`run-${run}`, sequence, entry)))
  }
  return (performance.now() - started) / 1_000
}

async function blob({ blobs }: Store): Promise<number> {
  const piece = new Uint8Array(MiB).map((_, i) => i * 7)
  const started = performance.now()
  const writer = await blobs.create()
  for (let i = 0; i < 100; i++) await writer.write(piece)
  await writer.commit()
  return (100 * MiB) / 1e6 / ((performance.now() - started) / 1_000)
}
