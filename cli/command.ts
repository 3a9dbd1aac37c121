import { Command } from 'commander'
import { createOutput, type Output, reportFailure } from './output.ts'

/** Exit codes, as every command's help shows them. */
export const EXIT_CODES = `
Exit codes:
  0    done, or already so
  1    a defect or an unexpected failure
  2    usage or invalid input
  3    not authenticated or not allowed
  4    the state says no: not found, conflict, a gate failed
  5    not available or timed out: the same command may be run again
  6    verification failed: signature, digest
  130  interrupted`

/** A command with what all commands have: `--json`, the exit codes in its help. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON for programs instead of text for people')
    .addHelpText('after', EXIT_CODES)
}

/** A group of commands. */
export function group(name: string, description: string, ...commands: readonly Command[]): Command {
  const parent = new Command(name).description(description).addHelpText('after', EXIT_CODES)
  for (const one of commands) parent.addCommand(one)
  return parent
}

/** Wraps what a command does: gives it its output, and turns what it throws into a message and an exit code. */
export function action<Options extends object, Args extends readonly unknown[] = string[]>(
  work: (options: Options, output: Output, ...args: Args) => Promise<number | undefined>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    // commander passes the arguments, then the options, then the command.
    const options = args.at(-2) as Options & { json?: boolean }
    const json = options.json === true
    try {
      process.exitCode = (await work(options, createOutput(json), ...(args.slice(0, -2) as unknown as Args))) ?? 0
    } catch (failure) {
      process.exitCode = reportFailure(failure, json)
    }
  }
}
