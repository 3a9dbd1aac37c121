import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type * as TfCore from '@tensorflow/tfjs-core'
import type * as TfLayers from '@tensorflow/tfjs-layers'
import { ParleyError } from '../../../core/errors/index.ts'
import type { TfjsName } from '../engine-names.ts'
import { registerTrainingKernels, type WasmBackend } from './wasm-kernels.ts'

export type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core'
export type Core = typeof TfCore
export type Layers = typeof TfLayers

export type { TfjsName }

/** TF.js with one backend. This file is the only one that imports any of its packages. */
export type Engine = {
  readonly name: TfjsName
  readonly tf: Core
  /** Makes this engine's backend the current one. TF.js knows one current backend per process: call before each use. */
  use(): void
  /** A new tensor with a copy of `values`. */
  upload(values: Float32Array, shape: readonly number[]): TfCore.Tensor
  /** The values of a float32 tensor; a view where the backend has one, so valid only until the next use of the engine. */
  read(tensor: TfCore.Tensor): Float32Array
  /** TF.js layers, loaded when first asked for: only models given as a topology need it. */
  layers(): Promise<Layers>
}

const loading = new Map<TfjsName, Promise<Engine>>()

/**
 * The engine of a name, or without one the fastest that works here: tfjs-node when it is installed and runs, else
 * WebAssembly. The cpu backend, hundreds of times slower on convolutions, must be asked for by name. An engine is loaded
 * once per process. Fails with `engine.unavailable`.
 */
export async function loadEngine(name?: TfjsName): Promise<Engine> {
  if (name !== undefined) return await once(name)
  if (nativeInstalled()) {
    try {
      return await once('tfjs-node')
    } catch {
      // Present but broken, for instance built for another Node: the next engine does the same work.
    }
  }
  return await once('tfjs-wasm')
}

function once(name: TfjsName): Promise<Engine> {
  const known = loading.get(name)
  if (known !== undefined) return known
  const engine = load(name).catch((cause: unknown) => {
    loading.delete(name)
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new ParleyError('engine.unavailable', `the engine ${name} could not be loaded: ${reason}`, { cause })
  })
  loading.set(name, engine)
  return engine
}

async function load(name: TfjsName): Promise<Engine> {
  switch (name) {
    case 'tfjs-node':
      return await loadNative()
    case 'tfjs-wasm':
      return await loadWasm()
    case 'tfjs-cpu':
      return await loadCpu()
  }
}

const require = createRequire(import.meta.url)

/** The install script of tfjs-node puts its native library into `lib`; without it the import is known to fail. */
function nativeInstalled(): boolean {
  try {
    return existsSync(join(dirname(require.resolve('@tensorflow/tfjs-node/package.json')), 'lib'))
  } catch {
    return false
  }
}

async function loadNative(): Promise<Engine> {
  // The native library reports its processor features on standard error at info level.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'
  const packageName: string = '@tensorflow/tfjs-node'
  await import(packageName)
  const tf = await import('@tensorflow/tfjs-core')
  return await start('tfjs-node', 'tensorflow', tf, (tensor) => tensor.dataSync<'float32'>())
}

async function loadWasm(): Promise<Engine> {
  const tf = await import('@tensorflow/tfjs-core')
  const wasm = await import('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist')}/`)
  registerTrainingKernels(tf)
  let backend: WasmBackend | undefined
  const engine = await withoutNewProcessListeners(() =>
    start('tfjs-wasm', 'wasm', tf, (tensor) => {
      backend ??= tf.findBackend('wasm') as unknown as WasmBackend
      return backend.typedArrayFromHeap(tensor) as Float32Array
    }),
  )
  // The wasm backend copies what it is given into its heap; the others keep the array itself until they need it.
  return { ...engine, upload: (values, shape) => tf.tensor(values, [...shape], 'float32') }
}

/**
 * The loader of the WebAssembly module listens for uncaught exceptions and unhandled rejections of the whole process only to
 * throw them again, which hides where they came from: those listeners are taken off.
 */
async function withoutNewProcessListeners<Result>(work: () => Promise<Result>): Promise<Result> {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => process.listeners(event as 'uncaughtException'))
  const result = await work()
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      const rethrows = /ExitStatus|throw reason/.test(String(listener))
      if (rethrows && !before[i]?.includes(listener)) process.removeListener(event, listener)
    }
  })
  return result
}

async function loadCpu(): Promise<Engine> {
  const tf = await import('@tensorflow/tfjs-core')
  await import('@tensorflow/tfjs-backend-cpu')
  // At its first use the backend prints a banner that praises tfjs-node; this is the flag that it looks at.
  const backend = tf.findBackend('cpu') as unknown as { firstUse: boolean } | null
  if (backend !== null) backend.firstUse = false
  return await start('tfjs-cpu', 'cpu', tf, (tensor) => tensor.dataSync<'float32'>())
}

async function start(
  name: TfjsName,
  backend: string,
  tf: Core,
  read: (tensor: TfCore.Tensor) => Float32Array,
): Promise<Engine> {
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`)
  const sum = tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(2)).dataSync()[0])
  if (sum !== 3) throw new Error(`the backend ${backend} does not add`)
  return {
    name,
    tf,
    use() {
      // Returns a promise, but a backend that has been started is current before the call returns.
      if (tf.getBackend() !== backend) void tf.setBackend(backend)
    },
    upload: (values, shape) => tf.tensor(values.slice(), [...shape], 'float32'),
    read,
    layers: async () => await import('@tensorflow/tfjs-layers'),
  }
}
