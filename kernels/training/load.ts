import { readFileSync } from 'node:fs'
import { built } from '../wasm.ts'
import { allowsRelaxedSimd } from './relaxed.ts'

let compiled: WebAssembly.Module | undefined

/** The kernels of training, compiled once in a thread: those with relaxed SIMD where the machine has it. */
export function trainingModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(
    readFileSync(built(allowsRelaxedSimd() ? 'training-relaxed.wasm' : 'training.wasm')),
  )
  return compiled
}
