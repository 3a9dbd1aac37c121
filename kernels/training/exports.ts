/** What kernels/assembly/training/index.ts exports. Addresses are bytes; the files there say what each argument is. */
export type TrainingKernels = {
  multiply(
    a: number,
    aStep: number,
    b: number,
    bStep: number,
    stripStep: number,
    c: number,
    m: number,
    k: number,
    n: number,
    mode: number,
    bias: number,
    relu: number,
    panels: number,
  ): void
  multiplyTransposed(
    a: number,
    aStep: number,
    b: number,
    bStep: number,
    c: number,
    m: number,
    k: number,
    n: number,
    mode: number,
    alpha: number,
  ): void
  multiplyByTransposed(
    a: number,
    aStep: number,
    b: number,
    bStep: number,
    c: number,
    cStep: number,
    m: number,
    n: number,
    k: number,
    add: number,
  ): void
  packColumns(b: number, k: number, n: number, out: number): void
  columnSums(x: number, rows: number, columns: number, out: number, add: number, alpha: number): void
  addVector(out: number, x: number, count: number): void
  multiplyVectors(out: number, x: number, y: number, count: number): void
  scaleVector(out: number, x: number, count: number, alpha: number): void
  squaredNorm(x: number, count: number): number
  transpose(x: number, rows: number, columns: number, out: number): void
  reluSlope(d: number, y: number, count: number): void
  plainStep(w: number, g: number, count: number, rate: number): void
  momentumStep(w: number, g: number, v: number, count: number, rate: number, momentum: number, nesterov: number): void
  adamStep(
    w: number,
    g: number,
    m: number,
    v: number,
    count: number,
    rate: number,
    beta1: number,
    beta2: number,
    rest1: number,
    rest2: number,
    scale: number,
    epsilon: number,
    keep: number,
  ): void
  addPull(g: number, w: number, start: number, count: number, mu: number): void
}

/** What `multiply` does with what its output holds; the numbers of kernels/assembly/training/gemm.ts. */
export const multiplyMode = { set: 0, add: 1, bias: 2 } as const
/** Rows of the right matrix that `multiply` takes at a time: so many values of each left row it packs. */
export const MULTIPLY_DEPTH = 256

export function instantiateTraining(module: WebAssembly.Module, memory: WebAssembly.Memory): TrainingKernels {
  const env = { memory, abort: () => undefined }
  return new WebAssembly.Instance(module, { env }).exports as TrainingKernels
}
