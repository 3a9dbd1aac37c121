/** Matrices as panels, in the order in which tiles of products read them. */

/** Columns of a strip. */
export const STRIP: u32 = 8

/** Rows as panels of four, the last of what is left: those of each panel side by side, value by value. */
export function packRows(a: usize, aStep: usize, m: u32, depth: u32, out: usize): void {
  let row: u32 = 0
  for (; row + 4 <= m; row += 4) {
    packFour(a, aStep, depth, out)
    a += 4 * aStep
    out += <usize>depth << 4
  }
  const rows = m & 3
  const step = <usize>rows << 2
  for (let i: u32 = 0; i < rows; i++) {
    let to = out + (<usize>i << 2)
    for (let p: u32 = 0; p < depth; p++) {
      store<f32>(to, load<f32>(a + (<usize>p << 2)))
      to += step
    }
    a += aStep
  }
}

function packFour(a: usize, aStep: usize, depth: u32, out: usize): void {
  let p: u32 = 0
  for (; p + 4 <= depth; p += 4) {
    const w = v128.load(a)
    const x = v128.load(a + aStep)
    const y = v128.load(a + 2 * aStep)
    const z = v128.load(a + 3 * aStep)
    const s = v128.shuffle<f32>(w, x, 0, 4, 1, 5)
    const t = v128.shuffle<f32>(w, x, 2, 6, 3, 7)
    const u = v128.shuffle<f32>(y, z, 0, 4, 1, 5)
    const v = v128.shuffle<f32>(y, z, 2, 6, 3, 7)
    v128.store(out, v128.shuffle<f32>(s, u, 0, 1, 4, 5))
    v128.store(out, v128.shuffle<f32>(s, u, 2, 3, 6, 7), 16)
    v128.store(out, v128.shuffle<f32>(t, v, 0, 1, 4, 5), 32)
    v128.store(out, v128.shuffle<f32>(t, v, 2, 3, 6, 7), 48)
    a += 16
    out += 64
  }
  for (; p < depth; p++) {
    store<f32>(out, load<f32>(a))
    store<f32>(out, load<f32>(a + aStep), 4)
    store<f32>(out, load<f32>(a + 2 * aStep), 8)
    store<f32>(out, load<f32>(a + 3 * aStep), 12)
    a += 4
    out += 16
  }
}

/** b (k × n, row by row) as panels of eight columns, k × 8 values each; what the last one lacks is zeros. */
export function packColumns(b: usize, k: u32, n: u32, out: usize): void {
  const bStep = <usize>n << 2
  for (let column: u32 = 0; column < n; column += STRIP) {
    const width = min(STRIP, n - column)
    let from = b + (<usize>column << 2)
    for (let p: u32 = 0; p < k; p++) {
      if (width == STRIP) {
        v128.store(out, v128.load(from))
        v128.store(out, v128.load(from, 16), 16)
      } else {
        memory.fill(out, 0, STRIP << 2)
        memory.copy(out, from, <usize>width << 2)
      }
      from += bStep
      out += STRIP << 2
    }
  }
}
