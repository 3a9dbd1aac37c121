/**
 * The hot loops of training, in AssemblyScript: `scripts/build-kernels.ts` compiles them to dist/kernels/training.wasm, and once
 * more with relaxed SIMD, where a multiplication and an addition round once. Training is no part of what must give the same
 * bytes everywhere; aggregation is, and has a module of its own.
 *
 * All of them work on addresses that the caller hands in; the module has no memory of its own, no allocator and no state.
 */
import {
  eluSlope,
  eluValues,
  geluSlopeOfInput,
  geluValues,
  reluSlope,
  reluValues,
  sigmoidSlope,
  sigmoidValues,
  softmaxSlope,
  softmaxValues,
  tanhSlope,
  tanhValues,
} from './activations.ts'
import { gatherWindows, scatterWindows } from './columns.ts'
import { addDepthwiseInputs, depthwise, depthwiseKernelGradient, repeatValues, sumRuns } from './depthwise.ts'
import { multiplyByTransposed } from './dot.ts'
import { gatherRows, scatterRows, sumEqualRows } from './embedding.ts'
import { multiply, multiplyTransposed } from './gemm.ts'
import { packColumns } from './panels.ts'
import { normalize, normalizeInputs, normalizeScaleGradient } from './norms.ts'
import { adamStep, addPull, momentumStep, plainStep } from './optimizer.ts'
import { addAveragePoolInputs, addMaxPoolInputs, averagePool, maxPool } from './pooling.ts'
import { addVector, clearVector, columnSums, multiplyVectors, scaleVector, squaredNorm, transpose } from './rows.ts'
import { addTiledInputs, tileInputs, tileKernel, tileOutputGradient, untileKernelGradient, untileOutputs } from './tiles.ts'

export {
  adamStep,
  addAveragePoolInputs,
  addDepthwiseInputs,
  addMaxPoolInputs,
  addPull,
  addTiledInputs,
  addVector,
  averagePool,
  clearVector,
  columnSums,
  depthwise,
  depthwiseKernelGradient,
  eluSlope,
  eluValues,
  gatherRows,
  gatherWindows,
  geluSlopeOfInput,
  geluValues,
  maxPool,
  momentumStep,
  multiply,
  multiplyByTransposed,
  multiplyTransposed,
  multiplyVectors,
  normalize,
  normalizeInputs,
  normalizeScaleGradient,
  packColumns,
  plainStep,
  reluSlope,
  reluValues,
  repeatValues,
  scaleVector,
  scatterRows,
  scatterWindows,
  sigmoidSlope,
  sigmoidValues,
  softmaxSlope,
  softmaxValues,
  squaredNorm,
  sumEqualRows,
  sumRuns,
  tanhSlope,
  tanhValues,
  tileInputs,
  tileKernel,
  tileOutputGradient,
  transpose,
  untileKernelGradient,
  untileOutputs,
}
