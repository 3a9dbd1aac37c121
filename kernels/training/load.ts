import { readFileSync } from 'node:fs'
import { ParleyError } from '../../core/errors/index.ts'
import { built } from '../wasm.ts'
import { allowsRelaxedSimd } from './relaxed.ts'

let compiled: WebAssembly.Module | undefined

/**
 * The kernels of training, compiled once in a thread: those with relaxed SIMD where the machine has it. Fails with
 * `engine.unavailable` where they are not there, or cannot be compiled.
 */
export function trainingModule(): WebAssembly.Module {
  compiled ??= compile(allowsRelaxedSimd() ? 'training-relaxed.wasm' : 'training.wasm')
  return compiled
}

function compile(name: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(readFileSync(built(name)))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('engine.unavailable', `the engine wasm could not be loaded: ${reason}`, { cause })
  }
}
