import { ParleyError } from '../core/errors/index.ts'
import type { RemoteCoordinator } from './http-client.ts'
import type { Reference } from './version-folder.ts'

export const REFERENCE = 'NAME, NAME/VERSION or NAME@ALIAS'
export const ALIAS_REFERENCE = 'NAME or NAME@ALIAS; by default production'

export type AliasAnswer = {
  readonly alias: string
  readonly sequence: number
  readonly version: number
  readonly reason: string
  readonly at: string
  readonly actor: string
}

export type ModelAnswer = {
  readonly versions: readonly { readonly number: number; readonly publishedAt: string; readonly weights: string }[]
  readonly aliases: readonly AliasAnswer[]
  readonly history: readonly AliasAnswer[]
  readonly states: readonly { readonly number: number; readonly state: string; readonly reason: string }[]
}

export type ParsedReference = { readonly model: string; readonly number?: number; readonly alias?: string }

export function parseReference(text: string): ParsedReference {
  const [, model, number, alias] =
    /^([a-z0-9][a-z0-9._-]{0,99})(?:\/(\d{1,9})|@([A-Za-z0-9_-]{1,100}))?$/.exec(text) ?? []
  if (model === undefined) throw new ParleyError('request.invalid', `"${text}" is neither a folder nor ${REFERENCE}`)
  if (number !== undefined) return { model, number: Number(number) }
  return alias === undefined ? { model } : { model, alias }
}

/** A model and one of its aliases. */
export function parseAlias(text: string): { readonly model: string; readonly alias: string } {
  const { model, number, alias = 'production' } = parseReference(text)
  if (number !== undefined) throw new ParleyError('request.invalid', `"${text}" is a version, not ${ALIAS_REFERENCE}`)
  return { model, alias }
}

export function modelOf(coordinator: RemoteCoordinator, model: string): Promise<ModelAnswer> {
  return coordinator.json('GET', `/v1/models/${model}`) as Promise<ModelAnswer>
}

/** What a reference names now. An alias, or a bare name's `production`, is asked of the coordinator. */
export async function resolveReference(coordinator: RemoteCoordinator, text: string): Promise<Reference> {
  const { model, number, alias = 'production' } = parseReference(text)
  if (number !== undefined) return { model, number }
  const holder = (await modelOf(coordinator, model)).aliases.find((one) => one.alias === alias)
  if (holder === undefined) throw new ParleyError('object.not-found', `${model} has no alias ${alias}`)
  return { model, number: holder.version }
}
