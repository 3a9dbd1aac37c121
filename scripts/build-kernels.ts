/**
 * Compiles kernels/assembly/ to dist/kernels/kernels.wasm. That takes seconds, so it is left out when sources, flags and
 * compiler are those that the file was built from.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import asc from 'assemblyscript/asc'

const sources = 'kernels/assembly'
const output = 'dist/kernels/kernels.wasm'
const flags = [
  '-O3',
  '--noAssert',
  ...['--runtime', 'stub'],
  '--importMemory',
  '--noExportMemory',
  '--sharedMemory',
  // In pages of 64 KiB: 4 GiB. A memory with a lower limit fits as well.
  ...['--maximumMemory', '65536'],
  ...['--enable', 'simd', '--enable', 'threads', '--enable', 'bulk-memory'],
]

const hash = createHash('sha256').update(JSON.stringify([asc.version, flags]))
for (const name of readdirSync(sources).sort()) hash.update(`\n${name}\n`).update(readFileSync(`${sources}/${name}`))
const digest = hash.digest('hex')

const built = existsSync(output) && existsSync(`${output}.hash`) && readFileSync(`${output}.hash`, 'utf8') === digest
if (!built) await compile()

async function compile(): Promise<void> {
  mkdirSync('dist/kernels', { recursive: true })
  // Under another name first: whoever starts meanwhile finds the old module or the new one, whole.
  const fresh = `${output}.${process.pid}`
  const { error, stderr } = await asc.main([`${sources}/index.ts`, '--outFile', fresh, ...flags])
  process.stderr.write(stderr.toString())
  if (error !== null) throw new Error('the kernels do not compile', { cause: error })
  renameSync(fresh, output)
  writeFileSync(`${output}.hash`, digest)
}
