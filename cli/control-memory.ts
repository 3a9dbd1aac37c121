import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ControlMemory, OwnControl } from '../client/index.ts'
import { bytesView, concatBytes, float32View, fromHex, toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { replaceFile } from './home.ts'

/** Runs whose controls are kept: each takes as much room as two models. */
const KEPT_RUNS = 4
const SUFFIX = '.f32'
const DIGEST_BYTES = 32

/**
 * A client's own control variates in a folder, a file for each of the last few runs: the digest of the model that the last
 * accepted update was trained from, the control before it, the control after it. They are averages of gradients on the
 * client's data, so they are for its owner only.
 */
export function fileControlMemory(folder: string): ControlMemory {
  return {
    async load(run, length) {
      const bytes = await contentOf(pathOf(folder, run))
      return bytes?.length === DIGEST_BYTES + 8 * length ? controlIn(bytes, length) : undefined
    },
    async save(run, { model, before, after }) {
      const digest = fromHex(model)
      if (digest?.length !== DIGEST_BYTES) throw new ParleyError('internal', 'a control needs the digest of its model')
      await replaceFile(pathOf(folder, run), concatBytes(digest, bytesView(before), bytesView(after)))
      await forget(folder)
    },
  }
}

function pathOf(folder: string, run: string): string {
  const name = `${run}${SUFFIX}`
  if (basename(name) !== name) throw new ParleyError('internal', 'the id of a run is no name for a file')
  return join(folder, name)
}

async function contentOf(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new ParleyError('config.invalid', `${path} cannot be read`, { cause })
  }
}

function controlIn(bytes: Uint8Array, length: number): OwnControl {
  const values = float32View(bytes.subarray(DIGEST_BYTES))
  return {
    model: toHex(bytes.subarray(0, DIGEST_BYTES)),
    before: values.subarray(0, length),
    after: values.subarray(length),
  }
}

/** Removes all but the last few runs, and what a crash left half written. */
async function forget(folder: string): Promise<void> {
  const names = await readdir(folder)
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      return { path, at: name.endsWith(SUFFIX) ? (await stat(path)).mtimeMs : 0 }
    }),
  )
  files.sort((a, b) => b.at - a.at)
  const kept = files.filter(({ at }) => at > 0).slice(0, KEPT_RUNS)
  for (const file of files) if (!kept.includes(file)) await rm(file.path, { force: true })
}
