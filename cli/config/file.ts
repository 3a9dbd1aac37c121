import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml'
import { ParleyError } from '../../core/errors/index.ts'
import { type Problem, unknownName } from './problem.ts'

/** Bytes of a file of configuration. */
const MAX_BYTES = 64 * 1024

/** The programs that a file can configure, each in a section of its name. */
export const daemonNames = ['coordinator', 'client'] as const
export type DaemonName = (typeof daemonNames)[number]

/** What stands under a key: words as they are written, with numbers as the text that they are. */
export type Given = { readonly value: string | boolean | readonly string[]; readonly where: string }

export type ConfigFile = {
  readonly path: string
  /** What relative paths in it are relative to. */
  readonly folder: string
  readonly sections: ReadonlyMap<DaemonName, ReadonlyMap<string, Given>>
  /** What is wrong with its form; the meaning of keys is not looked at yet. */
  readonly problems: readonly Problem[]
}

/** Reads a file of configuration, YAML or JSON. Throws `config.invalid` where it cannot be read or is no YAML. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ParleyError('config.invalid', `${path} cannot be read: ${ParleyError.from(cause).message}`, { cause })
  })
  if (bytes.length > MAX_BYTES) throw new ParleyError('config.invalid', `${path} has more than ${MAX_BYTES} bytes`)
  return parseConfigFile(path, bytes.toString('utf8'))
}

function parseConfigFile(path: string, text: string): ConfigFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { uniqueKeys: true, strict: true, lineCounter: lines })
  const at = (node: { range?: Node['range'] } | null) => `${path}:${lines.linePos(node?.range?.[0] ?? 0).line}`
  const problems: Problem[] = []
  const wrong = (where: string, message: string) => void problems.push({ where, message, code: 'config.invalid' })
  const sections = new Map<DaemonName, ReadonlyMap<string, Given>>()
  const file = { path, folder: dirname(resolve(path)), sections, problems }
  for (const { message, pos } of document.errors)
    wrong(`${path}:${lines.linePos(pos[0]).line}`, message.split('\n')[0] ?? 'this is no YAML')
  if (problems.length > 0 || document.contents === null) return file
  if (!isMap(document.contents)) {
    wrong(`${path}:1`, `sections are expected: ${daemonNames.join(', ')}`)
    return file
  }
  for (const { key, value } of document.contents.items as { key: Scalar; value: Node | null }[]) {
    const name = String(key.value)
    const daemon = daemonNames.find((one) => one === name)
    if (daemon === undefined) problems.push(unknownName(at(key), 'section', name, daemonNames))
    else if (isMap(value)) sections.set(daemon, sectionOf(value.items as Item[], at, wrong))
    else if (value === null || (isScalar(value) && value.value === null)) sections.set(daemon, new Map())
    else wrong(at(key), `${name} holds keys and values`)
  }
  return file
}

type Item = { readonly key: Scalar; readonly value: Node | null }

function sectionOf(
  items: readonly Item[],
  at: (node: Node | null) => string,
  wrong: (where: string, message: string) => void,
): Map<string, Given> {
  const section = new Map<string, Given>()
  for (const { key, value } of items) {
    const where = at(key)
    const given = givenIn(value)
    if (given === undefined) wrong(where, `${String(key.value)} holds a value, or a list of values`)
    else section.set(String(key.value), { value: given, where })
  }
  return section
}

function givenIn(node: Node | null): Given['value'] | undefined {
  if (isSeq(node)) {
    const texts = node.items.map((item) => textOf(item as Node))
    return texts.every((text) => text !== undefined) ? texts : undefined
  }
  if (isScalar(node) && typeof node.value === 'boolean') return node.value
  return textOf(node)
}

/** A number as it is written: a key of 64 digits is none. Aliases mean nothing here. */
function textOf(node: Node | null): string | undefined {
  if (!isScalar(node)) return undefined
  if (typeof node.value === 'string') return node.value
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : undefined
}
