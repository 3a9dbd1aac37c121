import { ParleyError } from '../../core/errors/index.ts'
import { type Base, type BaseFiles, readBaseModel } from '../../core/import/base-model.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { type Start, startText, type VersionReference, versionReference } from '../../core/plan/start.ts'
import type { StartedFrom } from '../../core/run/started-from.ts'
import { withoutControl } from '../../core/tensors/control.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { Store } from '../store/ports.ts'

/** Files that whoever runs the coordinator has given it for a start; undefined where there are none. */
export type FindBase = (start: Start) => Promise<Base | undefined>

export type StartDeps = {
  readonly store: {
    readonly records: Pick<Store['records'], 'version' | 'versions' | 'versionStates' | 'alias'>
    readonly blobs: Pick<Store['blobs'], 'size' | 'read'>
  }
  readonly limits: Limits
  readonly baseFiles?: FindBase
}

/** The model of a plan before anything was trained. */
type Model = { readonly layout: Layout; readonly weights: Float32Array }

/**
 * The model that a run of the plan starts from: `fresh`, or what the plan's `start` names in the place of its weights;
 * control variates stay as they are in `fresh`. Fails with `object.not-found` where there is no such version or file, with
 * `version.withdrawn`, with `verify.failed` where it has another digest than the plan says, with `tensors.mismatch` or `tensors.malformed` where
 * it is not a model of the plan's layout, with `store.corrupt` where the store has it no longer as it was.
 */
export async function startingModel(
  deps: StartDeps,
  { start }: Plan,
  fresh: Model,
): Promise<Model & { readonly from?: StartedFrom }> {
  if (start === undefined) return fresh
  const { files, from } = await found(deps, start)
  if (start.sha256 !== undefined && start.sha256 !== from.sha256) {
    throw new ParleyError('verify.failed', `${startText(start)} has the digest ${from.sha256}, not ${start.sha256}`)
  }
  try {
    const expected = { layout: withoutControl(fresh.layout), rename: start.rename }
    const weights = fresh.weights.slice()
    weights.set(readBaseModel(files, expected, deps.limits))
    return { layout: fresh.layout, weights, from }
  } catch (failure) {
    const { code, message } = ParleyError.from(failure)
    throw new ParleyError(code, `${startText(start)}: ${message}`, { cause: failure })
  }
}

async function found(deps: StartDeps, start: Start): Promise<{ files: BaseFiles; from: StartedFrom }> {
  const given = await deps.baseFiles?.(start)
  if (given !== undefined) {
    const { files, sha256 } = given
    return { files, from: { sha256, ...('file' in start ? { file: start.file } : {}) } }
  }
  if ('version' in start) return await publishedVersion(deps, versionReference(start.version))
  throw new ParleyError(
    'object.not-found',
    `the plan starts from the file ${start.file}, which this coordinator was not given: start it with --base`,
  )
}

async function publishedVersion(
  { store }: StartDeps,
  reference: VersionReference,
): Promise<{ files: BaseFiles; from: StartedFrom }> {
  const { model } = reference
  const number = await numberOf(store, reference)
  const version = await store.records.version(model, number)
  if (version === undefined) {
    const newest = (await store.records.versions(model)).at(-1)
    const known = newest === undefined ? `there is no model ${model}` : `the newest is ${newest.number}`
    throw new ParleyError('object.not-found', `there is no version ${number} of ${model}: ${known}`)
  }
  const states = await store.records.versionStates(model)
  if (states.findLast((one) => one.number === number)?.state === 'withdrawn') {
    throw new ParleyError('version.withdrawn', `version ${number} of ${model} was withdrawn: no run starts from it`)
  }
  const size = await store.blobs.size(version.weights)
  if (size === undefined) throw new ParleyError('store.corrupt', `the weights of version ${number} are missing`)
  // Read as a whole, and so held against its name.
  const bytes = await store.blobs.read(version.weights, 0, size)
  const alias = 'alias' in reference ? { alias: reference.alias } : {}
  return {
    files: [{ name: 'model.safetensors', bytes }],
    from: { sha256: version.weights, version: { model, number, ...alias } },
  }
}

async function numberOf({ records }: StartDeps['store'], reference: VersionReference): Promise<number> {
  if ('number' in reference) return reference.number
  const { model, alias } = reference
  const move = await records.alias(model, alias)
  if (move === undefined) throw new ParleyError('object.not-found', `${model} has no version with the alias ${alias}`)
  return move.version
}
