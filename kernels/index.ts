export { createKernels, type KernelOptions } from './create.ts'
export type { Block, Kernels, Rows } from './kernels.ts'
export { maskArithmeticIn } from './masks.ts'
export { kernelDigest } from './wasm.ts'
