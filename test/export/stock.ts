import { io, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import type { ModelFile } from '../../core/export/exported.ts'

/** As `tf.loadLayersModel` does it with files from a server, which are in memory here. */
export async function stockOutputs([model, weights]: readonly ModelFile[], shape: number[], values: Float32Array) {
  const { modelTopology, weightsManifest } = JSON.parse(fromUtf8(model!.bytes)) as {
    modelTopology: object
    weightsManifest: { weights: io.WeightsManifestEntry[] }[]
  }
  const weightSpecs = weightsManifest.flatMap((group) => group.weights)
  await setBackend('cpu')
  const loaded = await loadLayersModel(
    io.fromMemory({ modelTopology, weightSpecs, weightData: weights!.bytes.slice().buffer }),
  )
  const outputs = loaded.predict(tensor(values, shape, 'float32')) as Tensor
  const result = { shape: outputs.shape, values: outputs.dataSync<'float32'>().slice() }
  loaded.dispose()
  return result
}
