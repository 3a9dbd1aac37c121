import type { Command } from 'commander'
import { ParleyError } from '../core/errors/index.ts'
import { type FourEyesAct, fourEyesActs, type PeopleOptions, usualFourEyes } from '../server/index.ts'
import { readableOption } from './options.ts'

export type MemberOptions = {
  /** False with `--no-admin-token`. */
  readonly adminToken: boolean
  readonly fourEyes?: string
  readonly secondFactor?: string
}

/** What a coordinator asks of its members. */
export function withMemberOptions(one: Command): Command {
  return one
    .option('--no-admin-token', 'do not take the key in its folder, which may do anything, over HTTP')
    .option(
      '--four-eyes <acts>',
      `acts of ${fourEyesActs.join(', ')} that take two members, with commas between; by default ${usualFourEyes.join(',')}; or none`,
      readableOption(actsOf),
    )
    .option(
      '--second-factor <whose>',
      'who must have a second factor: changing-roles, which is the default, or all',
      readableOption(whoseOf),
    )
}

/** Throws `request.invalid`. */
export function memberSettings({ fourEyes, secondFactor }: MemberOptions): { readonly members: PeopleOptions } {
  return {
    members: {
      ...(fourEyes === undefined ? {} : { fourEyes: actsOf(fourEyes) }),
      ...(secondFactor === undefined ? {} : { secondFactor: whoseOf(secondFactor) }),
    },
  }
}

function whoseOf(text: string): 'all' | 'changing-roles' {
  if (text === 'all' || text === 'changing-roles') return text
  throw new ParleyError('request.invalid', '--second-factor is changing-roles or all')
}

function actsOf(text: string): readonly FourEyesAct[] {
  if (text === 'none') return []
  return text.split(',').map((name) => {
    const act = fourEyesActs.find((one) => one === name.trim())
    if (act === undefined)
      throw new ParleyError('request.invalid', `--four-eyes: of ${fourEyesActs.join(', ')}, or none`)
    return act
  })
}
