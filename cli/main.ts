#!/usr/bin/env node
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync(process.argv)
} catch (failure) {
  // commander has printed its message already; help and version end with 0, wrong usage with 2.
  if (!(failure instanceof CommanderError)) throw failure
  process.exitCode = failure.exitCode === 0 ? 0 : 2
}
// Nothing that a finished command left behind, such as an idle HTTP connection, keeps the program alive.
process.exit()
