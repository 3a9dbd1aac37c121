/**
 * A window that goes over an image, as the host wrote it into memory (client/training/wasm/layers/window.ts): twelve numbers of
 * 32 bits. Images lie row by row, the channels of a pixel side by side.
 */
@unmanaged
export class Window {
  inputHeight: i32
  inputWidth: i32
  inputChannels: i32
  outputHeight: i32
  outputWidth: i32
  outputChannels: i32
  height: i32
  width: i32
  strideY: i32
  strideX: i32
  paddingTop: i32
  paddingLeft: i32
}

/** The first of the window's rows or columns that lies inside the image, when the window begins at `begin`. */
@inline
export function firstInside(begin: i32): i32 {
  return max(0, -begin)
}

/** The one behind the last that lies inside an image of `length` rows or columns. */
@inline
export function endInside(begin: i32, size: i32, length: i32): i32 {
  return min(size, length - begin)
}
