import { open, stat } from 'node:fs/promises'
import {
  auditFolderOf,
  auditSourcesIn,
  bundlePaths,
  compareHistories,
  logSourcesIn,
  openBundle,
  type Side,
} from '../../audit/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { action, command } from '../command.ts'
import { readText } from '../options.ts'
import { pinnedKey } from '../pinned-keys.ts'
import { plainly } from '../printable.ts'

const WHAT = 'a log’s folder, a bundle, or a file with checkpoints that somebody has kept'

/** Two sites that were shown two histories find it out here. */
export const compare = command('compare', 'check that two logs, or kept checkpoints, are of one history')
  .argument('<a>', WHAT)
  .argument('<b>', WHAT)
  .requiredOption(
    '--key <key>',
    'public audit key, got over another channel: 64 hexadecimal digits, or a file with them',
  )
  .action(
    action<{ readonly key: string }>(async ({ key }, output, a = '', b = '') => {
      const publicKey = await pinnedKey(key)
      const closing: (() => Promise<void>)[] = []
      try {
        const sides = [await sideOf(a, closing), await sideOf(b, closing)] as const
        const found = await plainly(() => compareHistories(nodeCrypto, publicKey, sides))
        const { compared, newest, federation } = found
        output.result(
          found,
          `one history: ${compared} records in common, the newest is ${newest}; what is behind it, only one of them has\n  of ${federation}`,
        )
        return 0
      } finally {
        for (const close of closing) await close()
      }
    }),
  )

async function sideOf(path: string, closing: (() => Promise<void>)[]): Promise<Side> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFile() === true && !(await startsAsLines(path))) {
    const source = await openBundle(path)
    closing.push(() => source.close())
    return { kind: 'log', name: `${path}/${bundlePaths.log}`, sources: logSourcesIn(source) }
  }
  if (found?.isFile() === true) {
    const texts = (await readText(path)).split('\n').filter((line) => line !== '')
    const lines = texts.map((text, index) => ({ file: path, line: index + 1, text }))
    return { kind: 'checkpoints', name: path, lines }
  }
  const folder = await auditFolderOf(path)
  return { kind: 'log', name: folder, sources: await auditSourcesIn(folder) }
}

/** Envelopes are JSON; a bundle begins with the name of its first file. */
async function startsAsLines(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0)
    return bytesRead === 0 || buffer.toString('latin1') === '{'
  } finally {
    await file.close()
  }
}
