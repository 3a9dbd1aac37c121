import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { ParleyError } from '../../core/errors/index.ts'
import type { Idx } from '../../core/plan/data.ts'
import { BadRowCount } from './bad-rows.ts'
import type { Table } from './table.ts'

const UNSIGNED_BYTE = 0x08

/**
 * Reads images and labels in the IDX format (two zero bytes, the type 0x08 for unsigned bytes, the number of axes, then each
 * axis as a 32-bit big-endian number: http://yann.lecun.com/exdb/mnist/), plain or gzip. Sizes are checked against the plan
 * and against the length of the file before memory is taken. Fails with `data.malformed` or `data.schema`.
 */
export async function readIdx(images: Uint8Array, labels: Uint8Array, idx: Idx, mostBytes: number): Promise<Table> {
  const pixels = parseIdx(await inflated(images, mostBytes, 'images'), 'images')
  const classes = parseIdx(await inflated(labels, mostBytes, 'labels'), 'labels')
  const [height, width, channels] = idx.shape
  const wanted = pixels.axes.length === 3 && channels === undefined ? [height, width] : [height, width, channels ?? 1]
  const rows = pixels.axes[0] as number
  if (pixels.axes.slice(1).join() !== wanted.join()) {
    const found = pixels.axes.slice(1).join(' × ')
    throw new ParleyError('data.schema', `the images are ${found}, the plan says ${wanted.join(' × ')}`)
  }
  if (classes.axes.length !== 1) throw new ParleyError('data.schema', 'the labels have more than one axis')
  if (classes.axes[0] !== rows) {
    throw new ParleyError('data.schema', `there are ${rows} images and ${classes.axes[0]} labels`)
  }
  return withoutUnknownClasses(pixels.values, classes.values, idx.classes)
}

function withoutUnknownClasses(pixels: Uint8Array, labels: Uint8Array, classes: number): Table {
  const rows = labels.length
  const width = rows === 0 ? 0 : pixels.length / rows
  const bad = new BadRowCount()
  const used: number[] = []
  labels.forEach((label, row) => {
    if (label < classes) used.push(row)
    else bad.add('unknown class', 'labels')
  })
  if (rows > 0 && used.length === 0) {
    throw new ParleyError('data.schema', `no label is below ${classes}`, { details: { column: 'labels' } })
  }
  if (used.length === rows) {
    return { width, features: pixels, labels: Int32Array.from(labels), found: rows, bad: [] }
  }
  const features = new Uint8Array(used.length * width)
  used.forEach((row, i) => {
    features.set(pixels.subarray(row * width, (row + 1) * width), i * width)
  })
  const kept = Int32Array.from(used, (row) => labels[row] as number)
  return { width, features, labels: kept, found: rows, bad: bad.list() }
}

type IdxArray = { readonly axes: readonly number[]; readonly values: Uint8Array }

function parseIdx(bytes: Uint8Array, what: string): IdxArray {
  const malformed = (reason: string) => new ParleyError('data.malformed', `the file of ${what} ${reason}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint16(0) !== 0) throw malformed('is not an IDX file')
  if (bytes[2] !== UNSIGNED_BYTE) throw malformed('does not hold unsigned bytes')
  const count = bytes[3] as number
  if (count < 1 || count > 4 || bytes.length < 4 + 4 * count) throw malformed('has no valid header')
  const axes = Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i))
  const size = axes.reduce((product, axis) => product * axis, 1)
  const values = bytes.subarray(4 + 4 * count)
  if (values.length !== size) throw malformed(`has ${values.length} values, its header says ${size}`)
  return { axes, values }
}

/** The axes of an IDX file, once its length is what they say; plain or gzip. Fails with `data.malformed`. */
export async function idxAxes(bytes: Uint8Array, what: string, mostBytes: number): Promise<readonly number[]> {
  return parseIdx(await inflated(bytes, mostBytes, what), what).axes
}

async function inflated(bytes: Uint8Array, mostBytes: number, what: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: mostBytes })
  } catch (cause) {
    throw new ParleyError('data.malformed', `the file of ${what} does not unpack to at most ${mostBytes} bytes`, {
      cause,
    })
  }
}
