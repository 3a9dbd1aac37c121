/** Windows of images as rows of a matrix, and back: what makes a convolution a product (Chellapilla et al., 2006). */
import { endInside, firstInside, Window } from './window.ts'

/** Copies, and writes up to 12 bytes more. */
@inline
function copyRun(to: usize, from: usize, bytes: usize): usize {
  const end = to + bytes
  for (; to < end; to += 16, from += 16) v128.store(to, v128.load(from))
  return end
}

/** Writes zeros, and up to 12 bytes more. */
@inline
function clearRun(to: usize, bytes: usize): usize {
  const end = to + bytes
  for (; to < end; to += 16) v128.store(to, f32x4.splat(0))
  return end
}

/**
 * out (count × height·width·channels) ← what lies in the windows at `count` places of the images from `first` on, the places of
 * one image behind those of the one before; zeros outside of the images. Needs room for three values more.
 */
export function gatherWindows(window: Window, x: usize, first: u32, count: u32, out: usize): void {
  const places = window.outputHeight * window.outputWidth
  const pixel = <usize>window.inputChannels << 2
  const line = <usize>window.inputWidth * pixel
  const image = <usize>window.inputHeight * line
  const tapLine = <usize>window.width * pixel
  const place = first % places
  let row: i32 = place / window.outputWidth
  let column: i32 = place % window.outputWidth
  x += <usize>(first / places) * image
  for (; count > 0; count--) {
    const top = row * window.strideY - window.paddingTop
    const left = column * window.strideX - window.paddingLeft
    const begin = firstInside(left)
    const end = endInside(left, window.width, window.inputWidth)
    const before = <usize>begin * pixel
    const inside = <usize>(end - begin) * pixel
    const behind = tapLine - before - inside
    let from = x + <usize>(left + begin) * pixel + <usize>top * line
    for (let i: i32 = 0; i < window.height; i++, from += line) {
      if (<u32>(top + i) >= <u32>window.inputHeight) {
        out = clearRun(out, tapLine)
        continue
      }
      if (before != 0) out = clearRun(out, before)
      out = copyRun(out, from, inside)
      if (behind != 0) out = clearRun(out, behind)
    }
    if (++column == window.outputWidth) {
      column = 0
      if (++row == window.outputHeight) {
        row = 0
        x += image
      }
    }
  }
}

@inline
function addRun(to: usize, from: usize, bytes: usize): void {
  for (const end = to + (bytes & ~15); to < end; to += 16, from += 16) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)))
  }
  for (const end = to + (bytes & 15); to < end; to += 4, from += 4) store<f32>(to, load<f32>(to) + load<f32>(from))
}

/** Adds such rows to the places in the images that `gatherWindows` takes them from. */
export function scatterWindows(window: Window, columns: usize, first: u32, count: u32, x: usize): void {
  const places = window.outputHeight * window.outputWidth
  const pixel = <usize>window.inputChannels << 2
  const line = <usize>window.inputWidth * pixel
  const image = <usize>window.inputHeight * line
  const tapLine = <usize>window.width * pixel
  const place = first % places
  let row: i32 = place / window.outputWidth
  let column: i32 = place % window.outputWidth
  x += <usize>(first / places) * image
  for (; count > 0; count--) {
    const top = row * window.strideY - window.paddingTop
    const left = column * window.strideX - window.paddingLeft
    const begin = firstInside(left)
    const inside = <usize>(endInside(left, window.width, window.inputWidth) - begin) * pixel
    let to = x + <usize>(left + begin) * pixel + <usize>top * line
    let from = columns + <usize>begin * pixel
    for (let i: i32 = 0; i < window.height; i++, to += line, from += tapLine) {
      if (<u32>(top + i) < <u32>window.inputHeight) addRun(to, from, inside)
    }
    columns += <usize>window.height * tapLine
    if (++column == window.outputWidth) {
      column = 0
      if (++row == window.outputHeight) {
        row = 0
        x += image
      }
    }
  }
}
