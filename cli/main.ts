#!/usr/bin/env -S node --no-incremental-marking --max-semi-space-size=64
// The flag: chunks lie outside V8's heap, and every 64 MiB of them would make it mark the whole heap step by step, which
// costs more than encrypting them. Marked at a stretch, the small heap of these programs takes some 10 ms.
import { CommanderError } from 'commander'
import { reportUsage } from './output.ts'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync(process.argv)
} catch (failure) {
  // commander has printed its message already; help and version end with 0, wrong usage with 2.
  if (!(failure instanceof CommanderError)) throw failure
  process.exitCode = failure.exitCode === 0 ? 0 : reportUsage(failure, process.argv.includes('--json'))
}
// Nothing that a finished command left behind, such as an idle HTTP connection, keeps the program alive.
process.exit()
