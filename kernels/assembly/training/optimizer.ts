/**
 * Steps of optimizers over a flat vector, as client/training/optimizer.ts has them: w the weights, g the gradient, `count`
 * float32 values each. What a step remembers lies in further vectors.
 */

/** w ← w − rate·g. */
export function plainStep(w: usize, g: usize, count: u32, rate: f32): void {
  const r = f32x4.splat(rate)
  for (const end = w + (<usize>(count & ~3) << 2); w < end; w += 16, g += 16) {
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(r, v128.load(g))))
  }
  for (const end = w + (<usize>(count & 3) << 2); w < end; w += 4, g += 4) {
    store<f32>(w, load<f32>(w) - rate * load<f32>(g))
  }
}

/** v ← momentum·v + g; w ← w − rate·v, or with `nesterov` w ← w − rate·(g + momentum·v). */
export function momentumStep(w: usize, g: usize, v: usize, count: u32, rate: f32, momentum: f32, nesterov: u32): void {
  const r = f32x4.splat(rate)
  const m = f32x4.splat(momentum)
  for (const end = w + (<usize>(count & ~3) << 2); w < end; w += 16, g += 16, v += 16) {
    const gradient = v128.load(g)
    const velocity = f32x4.add(f32x4.mul(m, v128.load(v)), gradient)
    v128.store(v, velocity)
    const step = nesterov == 0 ? velocity : f32x4.add(gradient, f32x4.mul(m, velocity))
    v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(r, step)))
  }
  for (const end = w + (<usize>(count & 3) << 2); w < end; w += 4, g += 4, v += 4) {
    const gradient = load<f32>(g)
    const velocity = momentum * load<f32>(v) + gradient
    store<f32>(v, velocity)
    const step = nesterov == 0 ? velocity : gradient + momentum * velocity
    store<f32>(w, load<f32>(w) - rate * step)
  }
}

/**
 * m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; w ← w·keep − rate·m/(√(v·scale) + ε).
 *
 * @param rate the step size over 1 − β₁ᵗ
 * @param scale 1/(1 − β₂ᵗ)
 * @param keep 1 − rate·decay of AdamW; 1 for Adam
 */
export function adamStep(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  count: u32,
  rate: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32,
  rest2: f32,
  scale: f32,
  epsilon: f32,
  keep: f32,
): void {
  const r = f32x4.splat(rate)
  const b1 = f32x4.splat(beta1)
  const b2 = f32x4.splat(beta2)
  const c1 = f32x4.splat(rest1)
  const c2 = f32x4.splat(rest2)
  const s = f32x4.splat(scale)
  const e = f32x4.splat(epsilon)
  const k = f32x4.splat(keep)
  for (const end = w + (<usize>(count & ~3) << 2); w < end; w += 16, g += 16, m += 16, v += 16) {
    const gradient = v128.load(g)
    const mean = f32x4.add(f32x4.mul(b1, v128.load(m)), f32x4.mul(c1, gradient))
    const square = f32x4.add(f32x4.mul(b2, v128.load(v)), f32x4.mul(c2, f32x4.mul(gradient, gradient)))
    v128.store(m, mean)
    v128.store(v, square)
    const step = f32x4.div(f32x4.mul(r, mean), f32x4.add(f32x4.sqrt(f32x4.mul(square, s)), e))
    v128.store(w, f32x4.sub(f32x4.mul(v128.load(w), k), step))
  }
  for (const end = w + (<usize>(count & 3) << 2); w < end; w += 4, g += 4, m += 4, v += 4) {
    const gradient = load<f32>(g)
    const mean = beta1 * load<f32>(m) + rest1 * gradient
    const square = beta2 * load<f32>(v) + rest2 * gradient * gradient
    store<f32>(m, mean)
    store<f32>(v, square)
    store<f32>(w, load<f32>(w) * keep - (rate * mean) / (sqrt<f32>(square * scale) + epsilon))
  }
}

/** g ← g + mu·(w − start): the gradient of a proximal term; `start` 0 stands for zeros, which makes it weight decay. */
export function addPull(g: usize, w: usize, start: usize, count: u32, mu: f32): void {
  const s = f32x4.splat(mu)
  const zero = f32x4.splat(0)
  const step: usize = start == 0 ? 0 : 16
  for (const end = g + (<usize>(count & ~3) << 2); g < end; g += 16, w += 16, start += step) {
    const from = step == 0 ? zero : v128.load(start)
    v128.store(g, f32x4.add(v128.load(g), f32x4.mul(s, f32x4.sub(v128.load(w), from))))
  }
  for (const end = g + (<usize>(count & 3) << 2); g < end; g += 4, w += 4, start += step >> 2) {
    const from: f32 = step == 0 ? 0 : load<f32>(start)
    store<f32>(g, load<f32>(g) + mu * (load<f32>(w) - from))
  }
}
