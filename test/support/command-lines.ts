import { Command, Option } from 'commander'
import { createProgram } from './cli.ts'

const program = createProgram()

/**
 * What the program would not understand of a command line, without the name of the program; undefined where it is one. Values of
 * options may be placeholders. `whole`: its arguments must be all there; else words and values may be missing, as in `parley model`.
 */
export function problemIn(words: readonly string[], whole = true): string | undefined {
  let one = program
  let rest = [...words]
  for (;;) {
    const next = one.commands.find((child) => child.name() === rest[0] || child.aliases().includes(rest[0] ?? ''))
    if (next === undefined) break
    one = next
    rest = rest.slice(1)
  }
  if (one.commands.length > 0) {
    // The command that is meant where none is named; commander has no word for it.
    const { _defaultCommandName: name } = one as unknown as { readonly _defaultCommandName?: string }
    const usual = one.commands.find((child) => child.name() === name)
    if (rest.length === 0) return whole && usual === undefined ? `${nameOf(one)} needs a command` : undefined
    if (usual === undefined || !rest[0]!.startsWith('-'))
      return rest[0] === '--help' ? undefined : `${nameOf(one)} has no command ${rest[0]}`
    one = usual
  }
  const fresh = new Command(one.name()).exitOverride().configureOutput({ writeErr: () => {} })
  for (const { flags } of one.options) fresh.addOption(new Option(whole ? flags : flags.replace(/<(.*)>/, '[$1]')))
  let parsed: { operands: string[]; unknown: string[] }
  try {
    parsed = fresh.parseOptions(rest.filter((word) => word !== '--help'))
  } catch (failure) {
    return `${nameOf(one)}: ${failure instanceof Error ? failure.message : ''}`
  }
  const strange = parsed.unknown.find((word) => word.startsWith('-'))
  if (strange !== undefined) return `${nameOf(one)} has no option ${strange}`
  const given = parsed.operands.length
  const places = one.registeredArguments
  const most = places.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : places.length
  if (given > most) return `${nameOf(one)} takes ${most} arguments, not ${given}`
  const least = places.filter(({ required }) => required).length
  if (whole && given < least) return `${nameOf(one)} takes ${least} arguments, not ${given}`
  const missing = one.options.find(
    (option) => option.mandatory && fresh.getOptionValue(option.attributeName()) === undefined,
  )
  return whole && missing !== undefined ? `${nameOf(one)} needs ${missing.flags}` : undefined
}

function nameOf(one: Command): string {
  return one.parent === null ? one.name() : `${nameOf(one.parent)} ${one.name()}`
}

/** The words of a line of a shell, up to what is not the program's: a comment, a pipe, another command. */
export function wordsOf(line: string): string[] {
  const words: string[] = []
  for (const [, single, double, plain] of line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    if (plain !== undefined && /^(#|\||&&|;|>|2>|<|\\$)/.test(plain)) break
    words.push(single ?? double ?? plain ?? '')
  }
  return words
}
