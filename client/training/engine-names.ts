/** Training engines, the fastest first. */
export const engineNames = ['tfjs-node', 'tfjs-wasm', 'tfjs-cpu'] as const
export type EngineName = (typeof engineNames)[number]
