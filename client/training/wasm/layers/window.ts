import type { Window } from '../../graph/graph.ts'
import type { Arena } from '../arena.ts'

/** Float32 places that a window takes in the arena. */
export const WINDOW_VALUES = 12

/** Writes a window to where kernels read it: the class of kernels/assembly/training/window.ts. */
export function writeWindow({ float32 }: Arena, address: number, window: Window): void {
  const { buffer, byteOffset } = float32(address, WINDOW_VALUES)
  const { input, output, size, strides, padding } = window
  new Int32Array(buffer, byteOffset, WINDOW_VALUES).set([...input, ...output, ...size, ...strides, ...padding])
}

/** Places of one image that the window comes to. */
export function placesOf({ output: [height, width] }: Window): number {
  return height * width
}
