import { Command, CommanderError } from 'commander'
import { ParleyError } from '../../core/errors/index.ts'
import { action, command, group } from '../command.ts'
import { brokenChecks, type OptionsCheck, unreadableFiles } from '../config/checks.ts'
import { CONFIG_VARIABLE, type Effective, resolveConfig } from '../config/effective.ts'
import { type ConfigFile, type DaemonName, daemonNames, readConfigFile } from '../config/file.ts'
import { type Problem, throwProblems } from '../config/problem.ts'
import { clientChecks, clientStart } from './client.ts'
import { coordinatorChecks, coordinatorCommand, coordinatorFileChecks } from './coordinator.ts'

type Options = { readonly for?: string; readonly skipFiles?: boolean }

type Daemon = {
  readonly command: Command
  readonly checks: readonly OptionsCheck<never>[]
  readonly fileChecks: readonly OptionsCheck<never>[]
}

const daemons: Readonly<Record<DaemonName, Daemon>> = {
  coordinator: { command: coordinatorCommand, checks: coordinatorChecks, fileChecks: coordinatorFileChecks },
  client: { command: clientStart, checks: clientChecks, fileChecks: [] },
}

/** What is said of one daemon: its settings, and where each comes from. */
type Shown = { readonly daemon: DaemonName; readonly settings: readonly Effective[] }

const configCheck = command('check', 'check a file of configuration with the environment, and say all that is wrong')
  .argument('[file]', `the file; by default ${CONFIG_VARIABLE}`)
  .option('--for <daemon>', 'coordinator or client; by default those that the file has sections of')
  .option('--skip-files', 'do not look at the files that it names: it is for another machine')
  .action(
    action<Options>(async (options, output, path) => {
      const file = await fileOf(path)
      const shown: Shown[] = []
      const found: Problem[] = [...(file?.problems ?? [])]
      for (const name of daemonsOf(options.for, file)) {
        const { fresh, effective, problems } = resolved(name, file, [])
        const { checks, fileChecks } = daemons[name]
        const values = fresh.opts() as never
        const together = problems.length > 0 ? [] : await brokenChecks(values, checks)
        const unread = options.skipFiles === true ? [] : await unreadableFiles(effective)
        const within = options.skipFiles === true || unread.length > 0 ? [] : await brokenChecks(values, fileChecks)
        found.push(...problems, ...together, ...unread, ...within)
        shown.push({ daemon: name, settings: effective })
      }
      throwProblems(found)
      output.result(
        { file: file?.path ?? null, daemons: shown.map(({ daemon }) => daemon) },
        `good: ${shown.map(({ daemon, settings }) => `${daemon} (${count(settings)})`).join(', ')}`,
      )
      return 0
    }),
  )

const configPrint = command('print', 'show what holds for a daemon, and where each value comes from')
  .argument('[file]', `the file; by default ${CONFIG_VARIABLE}. Flags of the daemon may follow`)
  .option('--for <daemon>', 'coordinator or client; by default those that the file has sections of')
  .allowUnknownOption()
  .allowExcessArguments()
  .action(async (...args: unknown[]) => {
    const one = args.at(-1) as Command
    await action<Options>(async (options, output) => {
      const { operands, unknown: flags } = splitFlags(one.args)
      const file = await fileOf(operands[0])
      const names = daemonsOf(options.for, file)
      if (flags.length > 0 && names.length > 1) {
        throw new ParleyError(
          'request.invalid',
          `flags are those of one daemon: give --for ${daemonNames.join(' or ')}`,
        )
      }
      throwProblems(file?.problems ?? [])
      const shown = names.map((daemon): Shown => {
        const { effective, problems } = resolved(daemon, file, flags)
        throwProblems(problems)
        return { daemon, settings: effective }
      })
      output.result(
        Object.fromEntries(shown.map(({ daemon, settings }) => [daemon, jsonOf(settings)])),
        shown.map(textOf).join('\n\n'),
      )
      return 0
    })(...args)
  })

export const configCommand = group(
  'config',
  'what a coordinator or a client takes from a file and from the environment',
  configCheck,
  configPrint,
)

/** The file is what comes before the first flag. */
function splitFlags(args: readonly string[]): { operands: readonly string[]; unknown: readonly string[] } {
  const first = args.findIndex((arg) => arg.startsWith('-'))
  const end = first < 0 ? args.length : first
  if (end > 1) throw new ParleyError('request.invalid', 'one file is looked at')
  return { operands: args.slice(0, end), unknown: args.slice(end) }
}

async function fileOf(path = process.env[CONFIG_VARIABLE]): Promise<ConfigFile | undefined> {
  return path === undefined || path === '' ? undefined : await readConfigFile(path)
}

function daemonsOf(asked: string | undefined, file: ConfigFile | undefined): readonly DaemonName[] {
  if (asked !== undefined) {
    const name = daemonNames.find((one) => one === asked)
    if (name === undefined) throw new ParleyError('request.invalid', `--for is ${daemonNames.join(' or ')}`)
    return [name]
  }
  if (file === undefined)
    throw new ParleyError('request.invalid', `name a file, or give --for ${daemonNames.join(' or ')}`)
  if (file.sections.size === 0) throwProblems(file.problems)
  if (file.sections.size === 0)
    throw new ParleyError('config.invalid', `${file.path} has no section: ${daemonNames.join(', ')}`)
  return [...file.sections.keys()]
}

/** The daemon's options in a command that nobody runs. */
function resolved(name: DaemonName, file: ConfigFile | undefined, flags: readonly string[]) {
  const fresh = new Command(name).exitOverride().configureOutput({ writeErr: () => {} })
  for (const option of daemons[name].command.options) fresh.addOption(option)
  const { operands, unknown } = parsedFlags(fresh, flags)
  const strange = unknown[0] ?? operands[0]
  if (strange !== undefined) throw new ParleyError('request.invalid', `${name} has no flag ${strange}`)
  return { fresh, ...resolveConfig(fresh, name, { file, environment: process.env }) }
}

function parsedFlags(fresh: Command, flags: readonly string[]) {
  try {
    return fresh.parseOptions([...flags])
  } catch (failure) {
    if (!(failure instanceof CommanderError)) throw failure
    throw new ParleyError('request.invalid', failure.message.replace(/^error: /, ''))
  }
}

function count(settings: readonly Effective[]): string {
  const given = settings.filter(({ from }) => from !== 'default').length
  return `${given} of ${settings.length} settings given`
}

/** Bytes as hex. No setting holds a secret: those are paths. */
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

function jsonOf(settings: readonly Effective[]) {
  return Object.fromEntries(
    settings.map(({ setting, value, from }) => [setting.key, { value: plain(value) ?? null, from }]),
  )
}

function textOf({ daemon, settings }: Shown): string {
  const lines = settings.map(({ setting, value, from }) => {
    const shown = value === undefined ? '–' : [plain(value)].flat().join(', ')
    return `  ${setting.key.padEnd(36)} ${shown.padEnd(36)} ${from}`
  })
  return [daemon, ...lines].join('\n')
}
