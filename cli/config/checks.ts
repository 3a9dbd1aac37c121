import { access, constants } from 'node:fs/promises'
import { ParleyError } from '../../core/errors/index.ts'
import type { Effective } from './effective.ts'
import type { Problem } from './problem.ts'

/** Something that must hold of a daemon's options together; throws a `ParleyError` where it does not. */
export type OptionsCheck<Options> = (options: Options) => unknown

/** Everything that options which fit each by itself break together. */
export async function brokenChecks<Options>(
  options: Options,
  checks: readonly OptionsCheck<Options>[],
): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const check of checks) {
    try {
      await check(options)
    } catch (failure) {
      if (!(failure instanceof ParleyError)) throw failure
      const code = failure.code === 'config.insecure' ? 'config.insecure' : 'config.invalid'
      problems.push({ where: 'together', message: failure.message, code })
    }
  }
  return problems
}

/** The files that are named and that this process cannot read. */
export async function unreadableFiles(effective: readonly Effective[]): Promise<Problem[]> {
  const named = effective.flatMap(({ setting, value, from }) =>
    setting.path === 'file' && value !== undefined
      ? [value].flat().map((path) => ({ key: setting.key, path: String(path), from }))
      : [],
  )
  const found = await Promise.all(
    named.map(async ({ key, path, from }): Promise<Problem[]> => {
      const failure = await access(path, constants.R_OK).then(
        () => undefined,
        (cause: unknown) => cause,
      )
      if (failure === undefined) return []
      return [{ where: from, message: `${key}: ${path} cannot be read`, code: 'config.invalid' }]
    }),
  )
  return found.flat()
}
