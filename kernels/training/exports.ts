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
  clearVector(out: number, count: number): void
  reluValues(out: number, x: number, count: number): void
  reluSlope(out: number, d: number, y: number, count: number): void
  tanhValues(out: number, x: number, count: number): void
  tanhSlope(out: number, d: number, y: number, count: number): void
  sigmoidValues(out: number, x: number, count: number): void
  sigmoidSlope(out: number, d: number, y: number, count: number): void
  eluValues(out: number, x: number, count: number): void
  eluSlope(out: number, d: number, y: number, count: number): void
  geluValues(out: number, x: number, count: number): void
  geluSlopeOfInput(out: number, d: number, x: number, count: number): void
  softmaxValues(out: number, x: number, rows: number, units: number): void
  softmaxSlope(out: number, d: number, y: number, rows: number, units: number): void
  gatherWindows(window: number, x: number, first: number, count: number, out: number): void
  scatterWindows(window: number, columns: number, first: number, count: number, x: number): void
  tileInputs(
    window: number,
    matrix: number,
    points: number,
    step: number,
    x: number,
    rows: number,
    planes: number,
  ): void
  addTiledInputs(
    window: number,
    matrix: number,
    points: number,
    step: number,
    planes: number,
    rows: number,
    x: number,
  ): void
  untileOutputs(
    window: number,
    matrix: number,
    points: number,
    step: number,
    planes: number,
    rows: number,
    bias: number,
    relu: number,
    out: number,
  ): void
  tileOutputGradient(
    window: number,
    matrix: number,
    points: number,
    step: number,
    d: number,
    rows: number,
    planes: number,
  ): void
  tileKernel(window: number, matrix: number, points: number, kernel: number, planes: number): void
  untileKernelGradient(
    window: number,
    matrix: number,
    points: number,
    planes: number,
    target: number,
    add: number,
  ): void
  depthwise(window: number, x: number, kernel: number, bias: number, out: number, rows: number): void
  addDepthwiseInputs(window: number, d: number, kernel: number, x: number, rows: number): void
  depthwiseKernelGradient(
    window: number,
    x: number,
    d: number,
    rows: number,
    target: number,
    add: number,
    alpha: number,
  ): void
  repeatValues(out: number, x: number, count: number, times: number): void
  sumRuns(out: number, x: number, count: number, times: number): void
  maxPool(window: number, x: number, out: number, rows: number): void
  averagePool(window: number, x: number, out: number, rows: number): void
  addMaxPoolInputs(window: number, x: number, y: number, d: number, out: number, rows: number): void
  addAveragePoolInputs(window: number, d: number, out: number, rows: number): void
  normalize(
    x: number,
    out: number,
    rows: number,
    positions: number,
    groups: number,
    width: number,
    epsilon: number,
    gamma: number,
    beta: number,
    statistics: number,
  ): void
  normalizeInputs(
    x: number,
    d: number,
    out: number,
    rows: number,
    positions: number,
    groups: number,
    width: number,
    gamma: number,
    statistics: number,
  ): void
  normalizeScaleGradient(
    x: number,
    d: number,
    rows: number,
    positions: number,
    groups: number,
    width: number,
    statistics: number,
    target: number,
    add: number,
    alpha: number,
  ): void
  gatherRows(x: number, count: number, table: number, vocabulary: number, units: number, out: number): number
  scatterRows(x: number, d: number, count: number, units: number, table: number, alpha: number): void
  sumEqualRows(x: number, d: number, count: number, units: number, sums: number): void
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
