import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { ConfigFile, DaemonName, Given } from './file.ts'
import { type Problem, unknownName } from './problem.ts'
import { isSecret, isSecretName, secretInClear } from './secrets.ts'
import { type Setting, settingsOf } from './settings.ts'

/** Names a file of configuration where `--config` does not. */
export const CONFIG_VARIABLE = 'PARLEY_CONFIG'

export type Environment = Readonly<Record<string, string | undefined>>

/** What holds for one setting, and where that comes from: `FILE:LINE`, a variable, `flag`, `default`. */
export type Effective = { readonly setting: Setting; readonly value: unknown; readonly from: string }

export type Resolved = { readonly effective: readonly Effective[]; readonly problems: readonly Problem[] }

/**
 * Puts what a file and the environment say into the options of a daemon whose flags commander has read: flags stay, the environment
 * goes before the file. All of it is checked, what is overridden too; the problems are those of this daemon's section.
 */
export function resolveConfig(
  daemon: Command,
  name: DaemonName,
  {
    file,
    environment,
    like = daemon,
  }: {
    readonly file?: ConfigFile | undefined
    readonly environment: Environment
    readonly like?: Command | undefined
  },
): Resolved {
  const known = settingsOf(like)
  const settings = settingsOf(daemon).filter(({ key }) => known.some((one) => one.key === key))
  const problems: Problem[] = []
  const inFile = file?.sections.get(name) ?? new Map<string, Given>()
  problems.push(...unknownKeys(inFile, known), ...unknownVariables(environment, known))
  const place = (setting: Setting, given: Given | undefined, folder?: string) => {
    const value = given === undefined ? undefined : settingValue(setting, given, folder, problems)
    const attribute = setting.option.attributeName()
    if (value === undefined || daemon.getOptionValueSource(attribute) === 'cli') return
    // `noProxy: false` names no proxy.
    if (value === true && settings.some((one) => one !== setting && one.option.attributeName() === attribute)) return
    daemon.setOptionValueWithSource(attribute, value, given?.where ?? '')
  }
  // All of the file first: what is said later stays, also where two settings share what they set, as `proxy` and `noProxy` do.
  // Paths in a file are relative to its folder, wherever the daemon is started.
  for (const setting of settings) place(setting, inFile.get(setting.key), file?.folder)
  for (const setting of settings) place(setting, fromEnvironment(environment, setting))
  const effective = settings.map((setting): Effective => {
    const attribute = setting.option.attributeName()
    const value: unknown = daemon.getOptionValue(attribute)
    const source = daemon.getOptionValueSource(attribute) ?? 'default'
    const from = isFlag(daemon, setting) ? 'flag' : source
    if (from === 'flag' && textsOf(value).some((text) => isSecret(text, isPublicKey(setting))))
      problems.push(secretInClear(setting.flag, setting.flag))
    if (setting.option.negate) return { setting, value: value === false, from }
    return { setting, value: value === false && setting.kind !== 'switch' ? undefined : value, from }
  })
  return { effective, problems }
}

/** `--proxy URL` and `--no-proxy` share an attribute: what it holds says which of them was given. */
function isFlag(daemon: Command, { option }: Setting): boolean {
  const attribute = option.attributeName()
  return (
    daemon.getOptionValueSource(attribute) === 'cli' && (daemon.getOptionValue(attribute) === false) === option.negate
  )
}

function unknownKeys(section: ReadonlyMap<string, Given>, settings: readonly Setting[]): Problem[] {
  const known = settings.map(({ key }) => key)
  return [...section]
    .filter(([key]) => !known.includes(key))
    .map(([key, { where }]) => (isSecretName(key) ? secretInClear(where, key) : unknownName(where, 'key', key, known)))
}

function unknownVariables(environment: Environment, settings: readonly Setting[]): Problem[] {
  const known = [CONFIG_VARIABLE, ...settings.map(({ variable }) => variable)]
  return Object.keys(environment)
    .filter((name) => name.startsWith('PARLEY_') && !known.includes(name))
    .sort()
    .map((name) =>
      isSecretName(name) ? secretInClear('environment', name) : unknownName('environment', 'variable', name, known),
    )
}

/** A list has commas between; an empty variable says nothing. */
function fromEnvironment(environment: Environment, { variable, kind }: Setting): Given | undefined {
  const text = environment[variable]
  if (text === undefined || text === '') return undefined
  const value = kind === 'switch' && (text === 'true' || text === 'false') ? text === 'true' : text
  return { value: kind === 'list' ? text.split(',').map((one) => one.trim()) : value, where: variable }
}

/** The value as the flag would give it, or undefined where it is wrong; then it is a problem. */
function settingValue(
  setting: Setting,
  { value, where }: Given,
  folder: string | undefined,
  problems: Problem[],
): unknown {
  const wrong = (message: string) => {
    problems.push({ where, message: `${setting.key}: ${message}`, code: 'config.invalid' })
    return undefined
  }
  const { kind, option, key, path } = setting
  if (textsOf(value).some((text) => isSecret(text, isPublicKey(setting)))) {
    problems.push(secretInClear(where, key))
    return undefined
  }
  if (kind === 'switch') {
    if (typeof value !== 'boolean') return wrong('true or false')
    return option.negate ? !value : value
  }
  if (typeof value === 'boolean') return wrong('a text or a number, not true or false')
  const texts = typeof value === 'string' ? [value] : value
  if (kind === 'value' && typeof value !== 'string') return wrong('one value, not a list')
  if (texts.length === 0 || texts.includes('')) return wrong('it is empty')
  const placed = path === undefined || folder === undefined ? texts : texts.map((text) => resolve(folder, text))
  try {
    return placed.reduce<unknown>((before, text) => option.parseArg?.(text, before) ?? text, undefined)
  } catch (failure) {
    if (failure instanceof InvalidArgumentError) return wrong(failure.message)
    throw failure
  }
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** Keys that everybody may know look like secret ones. */
function isPublicKey({ flag }: Setting): boolean {
  return flag === '--coordinator-key'
}
