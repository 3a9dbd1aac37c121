import type { Core } from './load.ts'
import { depthwiseFilterGradient, depthwiseInputGradient } from './wasm-depthwise.ts'
import { averagePoolGradient, maxPoolGradient } from './wasm-pooling.ts'

export type Info = { dataId: object; shape: number[]; dtype: string }
type Inputs = Record<string, Info>
export type Attributes = Record<string, unknown>
export type Kernel = (call: { inputs: Inputs; backend: WasmBackend; attrs: Attributes }) => Info

/** What this file and the loader use of the wasm backend's own class. */
export type WasmBackend = {
  makeOutput(shape: number[], dtype: string): Info
  typedArrayFromHeap(tensor: { dataId: object; shape: number[]; dtype: string }): Float32Array | Int32Array | Uint8Array
  disposeData(dataId: object): boolean
}

/** Runs a kernel that the backend has; what it gives is freed by `free` or by being the result. */
type Run = (name: string, inputs: Inputs, attrs: Attributes) => Info

const TRANSPOSE_FROM = 4_096

/**
 * The kernels that training needs and the wasm backend lacks, has wrong or in scalar form only, composed from its SIMD kernels.
 * Registered once per process.
 */
export function registerTrainingKernels(tf: Core): void {
  const find = (name: string) => tf.getKernel(name, 'wasm')?.kernelFunc as unknown as Kernel | undefined
  if (find('Conv2DBackpropFilter') !== undefined) return
  const compose = (name: string, make: (tools: Tools, shipped: Kernel | undefined) => Kernel) => {
    const shipped = tf.getKernel(name, 'wasm')
    if (shipped !== undefined) tf.unregisterKernel(name, 'wasm')
    const kernel: Kernel = (call) => {
      const run: Run = (inner, inputs, attrs) => {
        const found = find(inner)
        if (found === undefined) throw new Error(`the wasm backend has no kernel ${inner}`)
        return found({ inputs, backend: call.backend, attrs })
      }
      return make({ tf, run }, shipped?.kernelFunc as unknown as Kernel | undefined)(call)
    }
    tf.registerKernel({
      ...shipped,
      kernelName: name,
      backendName: 'wasm',
      kernelFunc: kernel as unknown as Parameters<Core['registerKernel']>[0]['kernelFunc'],
    })
  }
  for (const name of ['Conv2D', 'FusedConv2D']) compose(name, (tools, shipped) => saidPadding(tools, shipped, false))
  for (const name of ['DepthwiseConv2dNative', 'FusedDepthwiseConv2D']) {
    compose(name, (tools, shipped) => saidPadding(tools, shipped, true))
  }
  compose('BatchMatMul', matrixProduct)
  compose('Conv2DBackpropFilter', filterGradient)
  compose('Conv2DBackpropInput', inputGradient)
  compose('UnsortedSegmentSum', segmentSum)
  compose('DepthwiseConv2dNativeBackpropFilter', () => depthwiseFilterGradient(tf))
  compose('DepthwiseConv2dNativeBackpropInput', () => depthwiseInputGradient(tf))
  compose('MaxPoolGrad', () => maxPoolGradient(tf))
  compose('AvgPoolGrad', () => averagePoolGradient(tf))
}

type Tools = { tf: Core; run: Run }

/**
 * With the padding `same` and a stride beyond the size of the filter the shipped convolutions give zeros in silence; with the same
 * padding in numbers they do not.
 */
function saidPadding({ tf }: Tools, shipped: Kernel | undefined, depthwise: boolean): Kernel {
  return ({ inputs, backend, attrs }) => {
    if (shipped === undefined) throw new Error('the wasm backend has no convolution')
    const { x, filter } = inputs as { x: Info; filter: Info }
    const [down, across] = [attrs.strides].flat() as number[]
    const beyond = (down ?? 1) > (filter.shape[0] ?? 1) || (across ?? down ?? 1) > (filter.shape[1] ?? 1)
    if (attrs.pad !== 'same' || !beyond) return shipped({ inputs, backend, attrs })
    const { top, bottom, left, right } = convolution(tf, x.shape, filter.shape, attrs, depthwise).padInfo
    return shipped({ inputs, backend, attrs: { ...attrs, pad: explicit(top, bottom, left, right) } })
  }
}

/** The shipped product is scalar when an operand is transposed: transpose first, then take the SIMD path. */
function matrixProduct({ run }: Tools, shipped: Kernel | undefined): Kernel {
  return ({ inputs, backend, attrs }) => {
    if (shipped === undefined) throw new Error('the wasm backend has no matrix product')
    let { a, b } = inputs as { a: Info; b: Info }
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean }
    const small = size(a) < TRANSPOSE_FROM && size(b) < TRANSPOSE_FROM
    if (small || !(transposeA || transposeB)) return shipped({ inputs, backend, attrs })
    const swap = (x: Info) => run('Transpose', { x }, { perm: lastTwoSwapped(x.shape.length) })
    if (transposeA) a = swap(a)
    if (transposeB) b = swap(b)
    const product = shipped({ inputs: { a, b }, backend, attrs: { transposeA: false, transposeB: false } })
    if (transposeA) backend.disposeData(a.dataId)
    if (transposeB) backend.disposeData(b.dataId)
    return product
  }
}

/**
 * dW[i, j, c, f] = Σ x[b, p·s + i − top, q·s + j − left, c] · dy[b, p, q, f]: one convolution of x, channels on the batch axis
 * and batch on the channel axis, with dy as its filter; the stride s of the forward pass becomes the dilation.
 */
function filterGradient({ tf, run }: Tools): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: Info; dy: Info }
    const filterShape = attrs.filterShape as number[]
    const info = convolution(tf, x.shape, filterShape, attrs)
    const images = run('Transpose', { x }, { perm: [3, 1, 2, 0] })
    const filter = run('Transpose', { x: dy }, { perm: [1, 2, 0, 3] })
    const { top, bottom, left, right } = info.padInfo
    const out = run(
      'Conv2D',
      { x: images, filter },
      {
        strides: [1, 1],
        dilations: [info.strideHeight, info.strideWidth],
        pad: explicit(top, bottom, left, right),
        dataFormat: 'NHWC',
      },
    )
    backend.disposeData(images.dataId)
    backend.disposeData(filter.dataId)
    // Where the stride does not divide the input evenly, the last rows and columns were never read: they are cut off.
    const [height, width] = [filterShape[0] as number, filterShape[1] as number]
    const exact = out.shape[1] === height && out.shape[2] === width
    const wanted = [out.shape[0] as number, height, width, out.shape[3] as number]
    const cut = exact ? out : run('Slice', { x: out }, { begin: [0, 0, 0, 0], size: wanted })
    const result = run('Transpose', { x: cut }, { perm: [1, 2, 0, 3] })
    backend.disposeData(out.dataId)
    if (!exact) backend.disposeData(cut.dataId)
    return result
  }
}

/** dx with stride 1: the convolution of dy with the filter turned by 180° and its channels swapped. Else as shipped. */
function inputGradient({ tf, run }: Tools, shipped: Kernel | undefined): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { dy, filter } = inputs as { dy: Info; filter: Info }
    const info = convolution(tf, attrs.inputShape as number[], filter.shape, attrs)
    const { top, bottom, left, right } = info.padInfo
    const [height, width] = [info.filterHeight - 1, info.filterWidth - 1]
    const pads = [height - top, height - bottom, width - left, width - right] as const
    if (info.strideHeight !== 1 || info.strideWidth !== 1 || pads.some((pad) => pad < 0)) {
      if (shipped === undefined) throw new Error('the wasm backend has no input gradient of a convolution')
      return shipped({ inputs, backend, attrs })
    }
    const turned = run('Reverse', { x: filter }, { dims: [0, 1] })
    const swapped = run('Transpose', { x: turned }, { perm: [0, 1, 3, 2] })
    const dx = run(
      'Conv2D',
      { x: dy, filter: swapped },
      { strides: [1, 1], dilations: [1, 1], pad: explicit(...pads), dataFormat: 'NHWC' },
    )
    backend.disposeData(turned.dataId)
    backend.disposeData(swapped.dataId)
    return dx
  }
}

/** Row i of x is added to row segmentIds[i] of the result; a negative id adds nowhere. */
function segmentSum(_: Tools): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { x, segmentIds } = inputs as { x: Info; segmentIds: Info }
    const segments = attrs.numSegments as number
    const width = size(x) / Math.max(1, size(segmentIds))
    const out = backend.makeOutput([segments, ...x.shape.slice(segmentIds.shape.length)], 'float32')
    const [from, to, ids] = [x, out, segmentIds].map((info) => backend.typedArrayFromHeap(info))
    if (from === undefined || to === undefined || ids === undefined) return out
    to.fill(0)
    for (let row = 0; row < ids.length; row++) {
      const segment = ids[row] as number
      if (segment < 0 || segment >= segments) continue
      for (let j = 0; j < width; j++) {
        const at = segment * width + j
        to[at] = (to[at] as number) + (from[row * width + j] as number)
      }
    }
    return out
  }
}

function convolution(tf: Core, input: number[], filter: number[], attrs: Attributes, depthwise = false) {
  const { strides, pad, dimRoundingMode } = attrs as {
    strides: [number, number]
    pad: 'valid' | 'same' | number
    dimRoundingMode?: 'floor' | 'round' | 'ceil'
  }
  const four = (shape: number[]) => shape as [number, number, number, number]
  return tf.backend_util.computeConv2DInfo(four(input), four(filter), strides, 1, pad, dimRoundingMode, depthwise)
}

function explicit(top: number, bottom: number, left: number, right: number) {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]
}

function lastTwoSwapped(rank: number): number[] {
  return [...Array(rank - 2).keys(), rank - 1, rank - 2]
}

function size(info: Info): number {
  return info.shape.reduce((product, length) => product * length, 1)
}
