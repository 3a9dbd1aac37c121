import { inline, oneLine } from '../core/attestation/model-card/escape.ts'
import { ParleyError } from '../core/errors/index.ts'
import { parseTag } from '../core/release/tags.ts'
import type { RemoteCoordinator } from './http-client.ts'
import { type Reference, versionPath } from './version-folder.ts'

export type TagOfVersion = { readonly key: string; readonly value: string }
export type FoundTag = TagOfVersion & { readonly model: string; readonly number: number }

export const TAGS_ARE = 'Given by people after the publication; no part of what is signed.'

/** Reads an argument or an option. Throws `request.invalid`. */
export function tagOption(words: string): TagOfVersion {
  const tag = parseTag(words)
  if (tag !== undefined) return tag
  const form = 'a tag is KEY=VALUE on one line, of at most 250 and 5,000 characters, without space around either'
  throw new ParleyError('request.invalid', form)
}

export async function tagsOf(coordinator: RemoteCoordinator, reference: Reference): Promise<readonly TagOfVersion[]> {
  const answer = await coordinator.json('GET', `${versionPath(reference)}/tags`)
  return (answer as { tags: TagOfVersion[] }).tags
}

/** The tags of all versions, or those that are this one. */
export async function allTags(
  coordinator: RemoteCoordinator,
  tag: TagOfVersion | undefined,
): Promise<{ readonly tags: readonly FoundTag[]; readonly more: boolean }> {
  const query = tag === undefined ? '' : `?${new URLSearchParams(tag)}`
  return (await coordinator.json('GET', `/v1/tags${query}`)) as { tags: FoundTag[]; more: boolean }
}

/** A tag on a terminal: what a coordinator sends is not believed to be on one line. */
export function tagText({ key, value }: TagOfVersion): string {
  return `  ${oneLine(key)} = ${oneLine(value)}`
}

const SHORT = 60

/** For a list: long values are cut. */
export function tagLines(tags: readonly FoundTag[]): string[] {
  return tags.map(({ number, key, value }) => {
    const letters = [...value]
    const short = letters.length > SHORT ? `${letters.slice(0, SHORT).join('')}…` : value
    return `  /${number}${tagText({ key, value: short })}`
  })
}

/** For Markdown. */
export function tagItems(tags: readonly TagOfVersion[]): string[] {
  return tags.map(({ key, value }) => `- ${inline(key)} = ${inline(value)}`)
}
