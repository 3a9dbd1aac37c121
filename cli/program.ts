import { Command } from 'commander'
import { EXIT_CODES } from './command.ts'
import { auditCommand } from './commands/audit.ts'
import { backupCommand } from './commands/backup.ts'
import { clientCommand } from './commands/client.ts'
import { configCommand } from './commands/config.ts'
import { coordinatorCommand } from './commands/coordinator.ts'
import { dataCommand } from './commands/data.ts'
import { demoCommand } from './commands/demo.ts'
import { healthCommand } from './commands/health.ts'
import { clientsCommand, identityCommand } from './commands/identity.ts'
import { initCommand } from './commands/init.ts'
import { inviteCommand } from './commands/invite.ts'
import { memberCommand } from './commands/member.ts'
import { modelCommand } from './commands/model.ts'
import { planCommand } from './commands/plan.ts'
import { requestCommand } from './commands/request.ts'
import { roundCommand } from './commands/round.ts'
import { runCommand } from './commands/run.ts'
import { simCommand } from './commands/sim.ts'
import { tokenCommand } from './commands/token.ts'
import { version } from './version.ts'

/** The program `parley`, with all its commands. */
export function createProgram(): Command {
  const program = new Command('parley')
    .description('Institutions train one model together; their data never leaves them.')
    .version(version)
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError()
  for (const one of [
    initCommand,
    inviteCommand,
    coordinatorCommand,
    configCommand,
    healthCommand,
    clientCommand,
    identityCommand,
    clientsCommand,
    planCommand,
    runCommand,
    roundCommand,
    modelCommand,
    memberCommand,
    tokenCommand,
    requestCommand,
    auditCommand,
    backupCommand,
    dataCommand,
    demoCommand,
    simCommand,
  ]) {
    program.addCommand(one)
  }
  for (const one of everyCommand(program)) one.exitOverride()
  return program
}

function* everyCommand(parent: Command): Generator<Command> {
  yield parent
  for (const child of parent.commands) yield* everyCommand(child)
}
