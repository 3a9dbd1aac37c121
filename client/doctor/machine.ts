import { stat, statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { DataFiles } from '../data/load.ts'
import { startingModel } from '../training/initial.ts'
import { type Finding, failed, ok, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'

const MiB = 2 ** 20

/** The size of a model where no plan says it. */
const ASSUMED_MODEL_BYTES = 64 * MiB

/** Logs, ledger and memory of rounds, for a long time. */
const OWN_FILES_BYTES = 64 * MiB

/** What the training engine takes before there is a model. */
const ENGINE_BYTES = 256 * MiB

/** Weights of the round and own ones, gradient, two vectors of an optimizer, the sealed update. */
const MODELS_IN_MEMORY = 6

/** A row of a table is text, then numbers of 8 bytes, then of 4. */
const DATA_IN_MEMORY = 8

/** Bytes of a plan's model; assumed without a plan. */
export async function modelBytesOf({ plan }: Pick<DoctorOptions, 'plan'>): Promise<number> {
  return plan === undefined ? ASSUMED_MODEL_BYTES : (await startingModel(plan)).weights.byteLength
}

/** Room on the disk of the client's folder: control variates are as large as the model, and replaced by a copy. */
export async function checkDisk(options: DoctorOptions): Promise<Finding> {
  try {
    const needed = 2 * (await modelBytesOf(options)) + OWN_FILES_BYTES
    const free = await (options.free ?? system).disk(await existingFolder(options.home))
    const value = `${mebibytes(free)} free, ${mebibytes(needed)} needed${assumed(options)}`
    const measured = { freeBytes: free, neededBytes: needed }
    const advice = 'make room, or put the folder of the client (--home) on another disk'
    if (free < needed) return { outcome: 'fail', value, measured, advice }
    return free < 2 * needed ? warn(value, advice, measured) : ok(value, measured)
  } catch (failure) {
    return failed(failure)
  }
}

/** Memory that this machine, or the limit of its container, leaves: an estimate, so it warns and never fails. */
export async function checkMemory(options: DoctorOptions, sets: readonly DataFiles[]): Promise<Finding> {
  try {
    // A plan is trained on one of them.
    const rows = Math.max(0, ...(await Promise.all(sets.map(bytesOf))))
    const needed = ENGINE_BYTES + MODELS_IN_MEMORY * (await modelBytesOf(options)) + DATA_IN_MEMORY * rows
    const free = (options.free ?? system).memory()
    const value = `${mebibytes(free)} available, about ${mebibytes(needed)} needed${assumed(options)}`
    const measured = { availableBytes: free, neededBytes: needed }
    return free < needed
      ? warn(value, 'give the machine or its container more memory, or end other programs', measured)
      : ok(value, measured)
  } catch (failure) {
    return failed(failure)
  }
}

const system: NonNullable<DoctorOptions['free']> = {
  disk: async (folder) => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  },
  memory: () => process.availableMemory(),
}

const assumed = ({ plan }: DoctorOptions) =>
  plan === undefined ? ' for a model of 64 MiB; give --plan for another' : ''

const mebibytes = (bytes: number) => `${Math.round(bytes / MiB).toLocaleString('en-GB')} MiB`

/** A client's folder may not be there yet. */
async function existingFolder(path: string): Promise<string> {
  const folder = resolve(path)
  const found = await stat(folder).catch(() => undefined)
  const above = dirname(folder)
  return found?.isDirectory() === true || above === folder ? folder : await existingFolder(above)
}

/** Nothing for what is not there: the check of the data says so. */
async function bytesOf(files: DataFiles): Promise<number> {
  const paths = 'csv' in files ? [files.csv] : [files.images, files.labels]
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0))
  return sizes.reduce((sum, size) => sum + size, 0)
}
