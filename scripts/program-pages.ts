import { clientStart } from '../cli/commands/client.ts'
import { coordinatorCommand } from '../cli/commands/coordinator.ts'
import { configurationPage } from '../cli/config/page.ts'

/** Path → text of the pages that are made of the program's own options; it has to be built for them. */
export function programPages(): Record<string, string> {
  return {
    'docs/configuration.md': configurationPage([
      ['coordinator', coordinatorCommand],
      ['client', clientStart],
    ]),
  }
}
