import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** What kernels/assembly/index.ts exports. Addresses are bytes; the files there say what each argument is. */
export type Exports = {
  gram(rows: number, n: number, first: number, last: number, begin: number, columns: number, out: number): void
  move(to: number, from: number, count: number): void
  combine(rows: number, weights: number, n: number, begin: number, columns: number, out: number): void
  dots(rows: number, n: number, vector: number, begin: number, columns: number, out: number): void
  signs(row: number, begin: number, columns: number, out: number): void
  addLanes(out: number, other: number, length: number, negative: number): void
  subtract(out: number, before: number, length: number): number
  squares(values: number, length: number): number
  tileBytes(rows: number, mixed: number, columns: number): number
  columns(
    rows: number,
    n: number,
    begin: number,
    columns: number,
    mix: number,
    m: number,
    program: number,
    programEnd: number,
    low: number,
    high: number,
    keep: number,
    scratch: number,
    out: number,
  ): void
}

/**
 * Where a file of dist/kernels/ lies: beside this one, or, when the sources run as they are (vitest), in the build.
 * Worker threads of Node 20 take no TypeScript.
 */
export function built(name: string): URL {
  return new URL(import.meta.url.endsWith('.ts') ? `../dist/kernels/${name}` : name, import.meta.url)
}

let compiled: WebAssembly.Module | undefined

/** SHA-256 of the kernels, lower-case hex: what aggregated. */
export function kernelDigest(): string {
  return createHash('sha256')
    .update(readFileSync(built('kernels.wasm')))
    .digest('hex')
}

/** Compiled once in a process; worker threads get the compiled module. */
export function kernelModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(built('kernels.wasm')))
  return compiled
}

export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  const env = { memory, abort: () => undefined }
  return new WebAssembly.Instance(module, { env }).exports as Exports
}
