import type { z } from 'zod'
import { ParleyError } from '../../core/errors/index.ts'
import type { KnownCaller } from '../members/caller.ts'
import type { HttpDeps } from './options.ts'
import type { registryBodies } from './registry-bodies.ts'
import { type DoneOrAsked, twoPeople } from './two-people.ts'

type Promotion = Omit<z.output<typeof registryBodies.promote>, 'actor'> & {
  readonly model: string
  readonly alias: string
}

/**
 * Moves aliases, where two people are needed for it after the second one has confirmed it: an operator, or who approves
 * versions. What was asked for holds only as long as the alias stands where it stood then.
 */
export function promotion({
  registry,
  people,
  store,
  logger,
}: HttpDeps): (by: KnownCaller, body: Promotion) => Promise<DoneOrAsked> {
  const { records } = store

  async function perform({ version, ...rest }: Promotion, by: KnownCaller): Promise<object> {
    const { envelope: _, ...move } = await registry.promote({ ...rest, number: version, actor: by.id })
    logger.info(move, 'an alias was moved')
    return move
  }

  const promote = twoPeople<Promotion>(people, {
    name: 'alias.promote',
    permission: 'alias.move',
    confirmedBy: ['alias.move', 'version.approve'],
    perform,
  })
  return async (by, body) => {
    const { model, alias, version } = body
    if ((await records.version(model, version)) === undefined) {
      throw new ParleyError('object.not-found', `there is no version ${version} of ${model}`)
    }
    const expect = body.expect ?? (await records.alias(model, alias))?.sequence ?? 0
    // Who needs no second person moves the alias now, wherever it stands.
    return promote(by, people?.fourEyes.needed('alias.promote', by) === true ? { ...body, expect } : body)
  }
}
