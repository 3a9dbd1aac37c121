import type { Command } from 'commander'
import { action } from '../command.ts'
import type { Output } from '../output.ts'
import { CONFIG_VARIABLE, resolveConfig } from './effective.ts'
import { type ConfigFile, type DaemonName, readConfigFile } from './file.ts'
import { type Problem, throwProblems } from './problem.ts'

/** A daemon that takes its options from a file and from the environment too. */
export function withConfig(one: Command): Command {
  return one.option('--config <file>', `options as YAML (docs/configuration.md); by default ${CONFIG_VARIABLE}`)
}

/**
 * Wraps what a daemon does, with the options that flags, environment and file come to. Throws `config.*` with all that is wrong.
 *
 * - `like`: the daemon itself, where this command is another one that takes those of its options that it has too.
 */
export function configuredAction<Options extends object>(
  name: DaemonName,
  work: (options: Options, output: Output) => Promise<number | undefined>,
  like?: Command,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const daemon = args.at(-1) as Command
    await action<Options & { readonly config?: string }>(async (_options, output) => {
      const { config = process.env[CONFIG_VARIABLE] } = daemon.opts<{ config?: string }>()
      const file = config === undefined || config === '' ? undefined : await readConfigFile(config)
      const { problems } = resolveConfig(daemon, name, { file, environment: process.env, like })
      throwProblems([...(file === undefined ? [] : [...file.problems, ...missingSection(file, name)]), ...problems])
      return await work(daemon.opts<Options>(), output)
    })(...args)
  }
}

/** A file that says nothing of this daemon is most likely that of another one. */
function missingSection({ path, sections }: ConfigFile, name: DaemonName): Problem[] {
  if (sections.has(name)) return []
  return [{ where: path, message: `it has no section ${name}`, code: 'config.invalid' }]
}
