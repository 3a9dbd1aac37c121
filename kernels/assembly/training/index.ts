/**
 * The hot loops of training, in AssemblyScript: `scripts/build-kernels.ts` compiles them to dist/kernels/training.wasm, and once
 * more with relaxed SIMD, where a multiplication and an addition round once. Training is no part of what must give the same
 * bytes everywhere; aggregation is, and has a module of its own.
 *
 * All of them work on addresses that the caller hands in; the module has no memory of its own, no allocator and no state.
 */
import { multiplyByTransposed } from './dot.ts'
import { multiply, multiplyTransposed, packColumns } from './gemm.ts'
import { adamStep, addPull, momentumStep, plainStep } from './optimizer.ts'
import { addVector, columnSums, multiplyVectors, reluSlope, scaleVector, squaredNorm, transpose } from './rows.ts'

export {
  adamStep,
  addPull,
  addVector,
  columnSums,
  momentumStep,
  multiply,
  multiplyByTransposed,
  multiplyTransposed,
  multiplyVectors,
  packColumns,
  plainStep,
  reluSlope,
  scaleVector,
  squaredNorm,
  transpose,
}
