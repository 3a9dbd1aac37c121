import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'

/** Who holds a lock, as it stands in the file. */
const holderSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  /** When the process began, as its system counts it: another process may have got the number of one that has ended. */
  began: z.string().optional(),
  id: z.string(),
})
type Holder = z.infer<typeof holderSchema>

const TRIES = 200
const PAUSE_MS = 10
/** Who makes the file writes into it at once: one that says nothing for so long is of a process that ended in between. */
const SILENT_MS = 500

/** A file that says that a process works in its folder. One whose process has ended, however it came, is taken over. */
export class FolderLock {
  readonly #path: string
  readonly #own: Holder

  private constructor(path: string, own: Holder) {
    this.#path = path
    this.#own = own
  }

  /** Fails with `store.locked` at once when a process that lives has the lock; on another machine none is known to have ended. */
  static async take(path: string): Promise<FolderLock> {
    await mkdir(dirname(path), { recursive: true })
    const began = await beginningOf(process.pid)
    const own = { pid: process.pid, host: hostname(), ...(began === undefined ? {} : { began }), id: randomUUID() }
    for (let tries = 0; tries < TRIES; tries++) {
      if (await written(path, own)) return new FolderLock(path, own)
      const holder = await holderOf(path)
      if (holder !== undefined && (await lives(holder))) throw locked(path, holder)
      if (!(await takenAway(path)))
        await new Promise((resolve) => systemClock.after(PAUSE_MS, () => resolve(undefined)))
    }
    throw locked(path, undefined)
  }

  /** Removes the file, unless somebody else has it by now. */
  async release(): Promise<void> {
    if ((await holderOf(this.#path))?.id === this.#own.id) await rm(this.#path, { force: true })
  }
}

async function written(path: string, own: Holder): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(`${JSON.stringify(own)}\n`)
    } finally {
      await file.close()
    }
    return true
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw failure
  }
}

/** Undefined where the file is gone, or does not say who has it. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { success, data } = holderSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return success ? data : undefined
  } catch {
    return undefined
  }
}

/**
 * Removes a lock that is stale, if it still is: only one process at a time may, for by the time that another one did there might be
 * the lock of a third.
 */
async function takenAway(path: string): Promise<boolean> {
  const turn = `${path}.turn`
  try {
    await (await open(turn, 'wx')).close()
  } catch {
    // Nobody has it for long, unless it ended meanwhile.
    if ((await ageOf(turn)) > SILENT_MS) await rm(turn, { force: true })
    return false
  }
  try {
    const holder = await holderOf(path)
    const stale = holder === undefined ? (await ageOf(path)) > SILENT_MS : !(await lives(holder))
    if (stale) await rm(path, { force: true })
    return stale
  } finally {
    await rm(turn, { force: true })
  }
}

/** Milliseconds since a file was written; 0 where there is none. */
async function ageOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ mtimeMs }) => systemClock.now() - mtimeMs,
    () => 0,
  )
}

async function lives({ pid, host, began }: Holder): Promise<boolean> {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (failure) {
    // A process of somebody else's may not be signalled, and is there.
    if ((failure as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = await beginningOf(pid)
  return began === undefined || now === undefined || began === now
}

/** When a process began, in ticks since the system did (Linux: field 22 of /proc/<pid>/stat); undefined elsewhere. */
async function beginningOf(pid: number): Promise<string | undefined> {
  try {
    // The name of the program stands in brackets, and may hold anything.
    return (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')[19]
  } catch {
    return undefined
  }
}

function locked(path: string, holder: Holder | undefined): ParleyError {
  const who = holder === undefined ? '' : ` (process ${holder.pid} on ${holder.host})`
  return new ParleyError(
    'store.locked',
    `another sweep${who} writes to ${dirname(path)}: wait for its end, or give this one another folder; if there is none, remove ${path}`,
    { details: { path } },
  )
}
