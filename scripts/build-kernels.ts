/**
 * Compiles kernels/assembly/ to dist/kernels/*.wasm: aggregation, and training twice, once with relaxed SIMD. That takes
 * seconds, so a module is left out when sources, flags and compiler are those that its file was built from.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import asc from 'assemblyscript/asc'

type Module = { readonly name: string; readonly sources: string; readonly flags: readonly string[] }

const common = [
  '-O3',
  '--noAssert',
  ...['--runtime', 'stub'],
  '--importMemory',
  '--noExportMemory',
  ...['--enable', 'simd', '--enable', 'bulk-memory'],
]

const modules: readonly Module[] = [
  {
    name: 'kernels',
    sources: 'kernels/assembly',
    // In pages of 64 KiB: 4 GiB. A memory with a lower limit fits as well.
    flags: [...common, '--sharedMemory', '--maximumMemory', '65536', '--enable', 'threads'],
  },
  { name: 'training', sources: 'kernels/assembly/training', flags: common },
  {
    name: 'training-relaxed',
    sources: 'kernels/assembly/training',
    flags: [...common, '--enable', 'relaxed-simd'],
  },
]

mkdirSync('dist/kernels', { recursive: true })
for (const module of modules) {
  const digest = digestOf(module)
  const output = `dist/kernels/${module.name}.wasm`
  const hash = `${output}.hash`
  const isBuilt = existsSync(output) && existsSync(hash) && readFileSync(hash, 'utf8') === digest
  if (!isBuilt) await compile(module, output)
  writeFileSync(hash, digest)
}

function digestOf({ sources, flags }: Module): string {
  const hash = createHash('sha256').update(JSON.stringify([asc.version, flags]))
  for (const name of readdirSync(sources).sort()) {
    if (name.endsWith('.ts')) hash.update(`\n${name}\n`).update(readFileSync(`${sources}/${name}`))
  }
  return hash.digest('hex')
}

async function compile({ sources, flags }: Module, output: string): Promise<void> {
  // Under another name first: whoever starts meanwhile finds the old module or the new one, whole.
  const fresh = `${output}.${process.pid}`
  const { error, stderr } = await asc.main([`${sources}/index.ts`, '--outFile', fresh, ...flags])
  process.stderr.write(stderr.toString())
  if (error !== null) throw new Error(`${sources} does not compile`, { cause: error })
  renameSync(fresh, output)
}
