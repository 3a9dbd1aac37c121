/** Training engines, the fastest first: our own, and TF.js with each of its backends. */
export const engineNames = ['wasm', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu'] as const
export type EngineName = (typeof engineNames)[number]
/** TF.js with each of its backends. */
export type TfjsName = Exclude<EngineName, 'wasm'>
