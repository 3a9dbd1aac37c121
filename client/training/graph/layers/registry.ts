import { activation, dropout, elu, relu, softmax } from './activation.ts'
import { conv1d, conv2d, depthwiseConv2d } from './convolution.ts'
import { dense } from './dense.ts'
import type { ReadLayer } from './layer.ts'
import { groupNormalization, layerNormalization } from './normalization.ts'
import { globalPool, pool1d, pool2d } from './pooling.ts'
import { add, embedding, flatten, reshape } from './shaping.ts'

/** The layers that a graph can say, by their class, besides InputLayer. */
export const layerReaders: ReadonlyMap<string, ReadLayer> = new Map([
  ['Dense', dense],
  ['Conv1D', conv1d],
  ['Conv2D', conv2d],
  ['DepthwiseConv2D', depthwiseConv2d],
  ['Embedding', embedding],
  ['LayerNormalization', layerNormalization],
  ['GroupNormalization', groupNormalization],
  ['Activation', activation],
  ['ReLU', relu],
  ['ELU', elu],
  ['Softmax', softmax],
  ['Dropout', dropout],
  ['Flatten', flatten],
  ['Reshape', reshape],
  ['MaxPooling1D', pool1d('max')],
  ['MaxPooling2D', pool2d('max')],
  ['AveragePooling1D', pool1d('average')],
  ['AveragePooling2D', pool2d('average')],
  ['GlobalMaxPooling1D', globalPool('max', 2)],
  ['GlobalMaxPooling2D', globalPool('max', 3)],
  ['GlobalAveragePooling1D', globalPool('average', 2)],
  ['GlobalAveragePooling2D', globalPool('average', 3)],
  ['Add', add],
])
