import { ParleyError } from '../../core/errors/index.ts'
import { nearestWord } from '../../core/plan/nearest.ts'

/** Something that is wrong with a configuration, and where it stands: `FILE:LINE`, a variable, a flag. */
export type Problem = {
  readonly where: string
  readonly message: string
  readonly code: 'config.invalid' | 'config.insecure' | 'config.secret-in-clear'
}

/** Throws where there is a problem, with all of them; the gravest gives the code. */
export function throwProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const grave = (['config.secret-in-clear', 'config.insecure', 'config.invalid'] as const).find((code) =>
    problems.some((problem) => problem.code === code),
  )
  const lines = problems.map(({ where, message }) => `${where}: ${message}`)
  throw new ParleyError(grave ?? 'config.invalid', lines.join('\n  '), { details: { problems: lines.length } })
}

/** What is said of a name that means nothing. */
export function unknownName(where: string, what: string, name: string, known: readonly string[]): Problem {
  const nearest = nearestWord(name, known)
  const advice = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`
  return { where, message: `unknown ${what} ${name}; ${advice}`, code: 'config.invalid' }
}
