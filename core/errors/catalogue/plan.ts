import { entry } from '../entry.ts'

/** Plans, runs and rounds. */
export const planErrors = {
  'plan.invalid': entry(
    'invalid',
    'the plan does not have the form of a plan',
    'mend the field that the message names; `parley plan schema` prints the JSON Schema for editors',
  ),
  'plan.unreadable': entry('invalid', 'the plan is not readable YAML', 'mend the line that the message names'),
  'plan.infeasible': entry(
    'invalid',
    'the aggregation of the plan cannot withstand the attackers that it assumes with so few updates, or its parts do not fit together',
    'the message says what would be possible: fewer attackers, another rule, or a higher window.count.min',
  ),
  'run.not-found': entry('absent', 'there is no run of this id', '`parley run status` lists the runs'),
  'run.conflict': entry(
    'conflict',
    'the run is in a state in which this is not possible',
    '`parley run status` shows its state',
  ),
  'round.quorum': entry(
    'precondition',
    'fewer updates than the minimum came before the end of the window',
    'look at which clients were missing; lower window.count.min or lengthen window.time.max',
  ),
  'round.aggregation-failed': entry(
    'precondition',
    'the updates of the round could not be aggregated',
    'the message names the rule and the reason',
  ),
  'gate.failed': entry(
    'precondition',
    'the candidate did not pass its gates and was not published',
    '`parley run status` shows each gate with its value and bound',
  ),
} as const
