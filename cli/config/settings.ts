import type { Command, Option } from 'commander'
import { listOption } from '../options.ts'

/** One option of a daemon by its three names, all of which follow from the flag. */
export type Setting = {
  /** In a file: `grpcPort`. */
  readonly key: string
  /** `--grpc-port`. */
  readonly flag: string
  /** In the environment: `PARLEY_GRPC_PORT`. */
  readonly variable: string
  readonly kind: 'switch' | 'list' | 'value'
  /** Whether its value is the path of a file or folder. */
  readonly path: 'file' | 'folder' | undefined
  readonly option: Option
}

/** What of a daemon is said only where it is started. */
const ONLY_FLAGS = new Set(['--json', '--config'])

/** All that a daemon can be told by a file or by the environment, in the order of its options. */
export function settingsOf(daemon: Command): readonly Setting[] {
  return daemon.options
    .filter(({ long }) => long !== undefined && !ONLY_FLAGS.has(long))
    .map((option) => {
      const flag = option.long ?? option.flags
      return { ...namesOf(flag), flag, kind: kindOf(option), path: pathOf(option), option }
    })
}

/** The one rule: the flag's words in camel case, and in capitals after `PARLEY_`. */
function namesOf(flag: string): Pick<Setting, 'key' | 'variable'> {
  const words = flag.replace(/^--/, '')
  return {
    key: words.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    variable: `PARLEY_${words.replaceAll('-', '_').toUpperCase()}`,
  }
}

function kindOf({ required, optional, parseArg }: Option): Setting['kind'] {
  if (!required && !optional) return 'switch'
  return parseArg === (listOption as Option['parseArg']) ? 'list' : 'value'
}

function pathOf({ flags }: Option): Setting['path'] {
  if (flags.includes('<file>')) return 'file'
  return flags.includes('<folder>') ? 'folder' : undefined
}
