import { fromUtf8 } from '../encoding/bytes.ts'
import { defaultLimits } from '../wire/limits.ts'
import { HeaderScanner, malformed } from './safetensors-scanner.ts'

/** Bits of a value, for the types that are read. The format knows more; they are refused by name. */
const bitsOf = { F32: 32, F16: 16, BF16: 16, F64: 64, I32: 32, I64: 64, U8: 8, BOOL: 8 } as const

export type Dtype = keyof typeof bitsOf

/** A tensor as the header of a file describes it. */
export type StoredTensor = {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** First byte and the byte after the last one, from the start of the data section. */
  readonly begin: number
  readonly end: number
}

export type ModelHeader = {
  /** In the order of their data, which they cover without hole, overlap or tail. */
  readonly tensors: readonly StoredTensor[]
  readonly metadata: ReadonlyMap<string, string>
  /** Where the data section starts in the file, in bytes. */
  readonly dataOffset: number
  /** Length of the data section, in bytes. */
  readonly dataBytes: number
}

export type HeaderLimits = {
  /** Length of the whole file when `bytes` is only its beginning. */
  readonly fileBytes?: number
  readonly headerBytes?: number
  readonly tensors?: number
}

/** Dimensions of a tensor; no library that writes the format has more. */
const MAX_RANK = 64

const MAX_METADATA = 1_000

/** The 8 bytes that say how long the header is. */
export const LENGTH_BYTES = 8

/**
 * Where the data section starts, from the first 8 bytes of a file: so many bytes `readHeader` needs. Throws
 * `tensors.malformed` when the file or the limit (16 MiB by default) cannot hold such a header.
 */
export function readDataOffset(bytes: Uint8Array, limits: HeaderLimits = {}): number {
  const fileBytes = limits.fileBytes ?? bytes.length
  if (bytes.length < LENGTH_BYTES) throw malformed('the file is shorter than 8 bytes')
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  const limit = limits.headerBytes ?? defaultLimits.headerBytes
  if (length > BigInt(limit)) throw malformed(`the header claims ${length} bytes, and the limit is ${limit}`)
  const end = LENGTH_BYTES + Number(length)
  if (end > fileBytes) throw malformed(`the header claims ${length} bytes in a file of ${fileBytes}`)
  return end
}

/**
 * Reads the header of a safetensors file (github.com/huggingface/safetensors, format of 2022) and checks everything that
 * can be known without the data. `bytes` is the file or its beginning; then `fileBytes` says how long the file is. Throws
 * `tensors.malformed` on anything else than a sound header within the limits, before memory is taken for tensors.
 */
export function readHeader(bytes: Uint8Array, limits: HeaderLimits = {}): ModelHeader {
  const dataOffset = readDataOffset(bytes, limits)
  if (dataOffset > bytes.length) throw malformed('the header is cut off')
  const { tensors, metadata } = parse(textOf(bytes.subarray(LENGTH_BYTES, dataOffset)), limits)
  const dataBytes = (limits.fileBytes ?? bytes.length) - dataOffset
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let at = 0
  for (const tensor of tensors) {
    if (tensor.begin !== at) {
      throw malformed(`the data of ${quote(tensor.name)} begin at ${tensor.begin}, and ${at} was due`)
    }
    at = tensor.end
  }
  if (at !== dataBytes) throw malformed(`the tensors have ${at} bytes, and the file has ${dataBytes}`)
  return { tensors, metadata, dataOffset, dataBytes }
}

/** A tensor may have any name but the one of the metadata and those that are special to JavaScript objects. */
export function isTensorName(name: string): boolean {
  return name.isWellFormed() && !['', '__metadata__', '__proto__', 'constructor', 'prototype'].includes(name)
}

/** A name from outside, fit for a message: short, and without control characters. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
}

function textOf(header: Uint8Array): string {
  if (header[0] !== 0x7b) throw malformed('the header does not begin with {')
  try {
    return fromUtf8(header)
  } catch {
    throw malformed('the header is not UTF-8')
  }
}

function parse(text: string, limits: HeaderLimits): { tensors: StoredTensor[]; metadata: Map<string, string> } {
  const limit = limits.tensors ?? defaultLimits.tensors
  const scanner = new HeaderScanner(text)
  const tensors: StoredTensor[] = []
  const names = new Set<string>()
  const metadata = new Map<string, string>()
  scanner.object((name) => {
    if (names.has(name)) throw malformed(`${quote(name)} comes twice`)
    names.add(name)
    if (name === '__metadata__') {
      scanner.object((key) => {
        if (metadata.size === MAX_METADATA) throw malformed(`more than ${MAX_METADATA} entries of metadata`)
        if (metadata.has(key)) throw malformed(`${quote(key)} comes twice in the metadata`)
        metadata.set(key, scanner.string())
      })
      return
    }
    if (!isTensorName(name)) throw malformed(`${quote(name)} is not a name for a tensor`)
    if (tensors.length === limit) throw malformed(`more than ${limit} tensors`)
    tensors.push(tensor(scanner, name))
  })
  scanner.end()
  return { tensors, metadata }
}

function tensor(scanner: HeaderScanner, name: string): StoredTensor {
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  const once = <T>(known: T | undefined, next: T): T => {
    if (known !== undefined) throw malformed(`a field of ${quote(name)} comes twice`)
    return next
  }
  scanner.object((key) => {
    if (key === 'dtype') dtype = once(dtype, scanner.string())
    else if (key === 'shape') shape = once(shape, scanner.integers(MAX_RANK))
    else if (key === 'data_offsets') offsets = once(offsets, scanner.integers(2))
    else throw malformed(`${quote(name)} has the unknown field ${quote(key)}`)
  })
  const [begin, end] = offsets ?? []
  if (dtype === undefined || shape === undefined || begin === undefined || end === undefined) {
    throw malformed(`${quote(name)} needs dtype, shape and two data_offsets`)
  }
  if (!isDtype(dtype)) throw malformed(`${quote(name)} is of type ${quote(dtype)}, which is not read`)
  const due = byteLength(shape, bitsOf[dtype])
  if (due === undefined || end - begin !== due) {
    throw malformed(`${quote(name)} has ${end - begin} bytes, which its shape and type do not make`)
  }
  return { name, dtype, shape, begin, end }
}

function isDtype(name: string): name is Dtype {
  return Object.hasOwn(bitsOf, name)
}

/** Undefined beyond 2⁵³ − 1. */
function byteLength(shape: readonly number[], bits: number): number | undefined {
  let bytes = bits / 8
  for (const size of shape) {
    bytes *= size
    if (!Number.isSafeInteger(bytes)) return undefined
  }
  return bytes
}
