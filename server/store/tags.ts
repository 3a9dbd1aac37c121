import { ParleyError } from '../../core/errors/index.ts'
import { tagLimits } from '../../core/release/tags.ts'
import type { TagChange } from './ports.ts'

/**
 * The change that `asked` makes of a version whose tag of this key is `previous` and which has `count` tags; undefined where it
 * makes none. Throws `object.not-found` for a tag that is to go and is not there, and `version.tags-full`.
 */
export function tagChange(
  asked: Omit<TagChange, 'previous'>,
  previous: string | undefined,
  count: number,
): TagChange | undefined {
  const { key, value, number, model } = asked
  if (value === null && previous === undefined) {
    throw new ParleyError('object.not-found', `version ${number} of ${model} has no tag ${JSON.stringify(key)}`)
  }
  if (value !== null && previous === undefined && count >= tagLimits.perVersion) {
    throw new ParleyError('version.tags-full', `version ${number} of ${model} has ${count} tags`)
  }
  return value === previous ? undefined : { ...asked, previous: previous ?? null }
}
