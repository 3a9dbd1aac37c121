import type { TensorSpec } from '../../core/tensors/layout.ts'

/** How one tensor starts. */
export type Start = 'zeros' | 'ones' | 'glorot' | 'forget-gate'
export type StartingTensor = TensorSpec & { readonly start: Start }
