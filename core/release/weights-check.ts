import type { Crypto, Hasher } from '../crypto/primitives.ts'
import { concatBytes, toHex } from '../encoding/bytes.ts'
import { layoutBytes, layoutLength } from '../tensors/layout.ts'
import { readDataOffset, readLayout } from '../tensors/safetensors.ts'
import type { Manifest } from './manifest.ts'

type Expected = Pick<Manifest, 'weights' | 'weightsBytes' | 'layout' | 'parameters'>

/** Takes a model file piece by piece, and then says whether it is the one of the manifest. Holds no more than its header. */
export class WeightsCheck {
  readonly #crypto: Pick<Crypto, 'hasher' | 'sha256'>
  readonly #expected: Expected
  readonly #hasher: Hasher
  readonly #head: Uint8Array[] = []
  #headBytes = 0
  #headDue = 8
  readonly #onData: (piece: Uint8Array) => void
  #problem: string | undefined
  #bytes = 0

  /** `onData` gets what follows the header, the flat vector, in pieces that hold for the call. */
  constructor(
    crypto: Pick<Crypto, 'hasher' | 'sha256'>,
    expected: Expected,
    onData: (piece: Uint8Array) => void = () => {},
  ) {
    this.#onData = onData
    this.#crypto = crypto
    this.#expected = expected
    this.#hasher = crypto.hasher()
  }

  /** False when the file is longer than the manifest says: reading on is of no use. */
  add(piece: Uint8Array): boolean {
    this.#bytes += piece.length
    if (this.#bytes > this.#expected.weightsBytes) return false
    this.#hasher.update(piece)
    this.#keepHead(piece)
    return true
  }

  /** The problem with the length, or undefined. */
  length(): string | undefined {
    const { weightsBytes } = this.#expected
    if (this.#bytes > weightsBytes) return `the file has more than the ${weightsBytes} bytes of the manifest`
    return this.#bytes === weightsBytes ? undefined : `the file has ${this.#bytes} of ${weightsBytes} bytes`
  }

  /** The problem with the digest, or undefined. May be called once. */
  digest(): string | undefined {
    const found = toHex(this.#hasher.digest())
    return found === this.#expected.weights ? undefined : `the file has SHA-256 ${found}, not ${this.#expected.weights}`
  }

  /** The problem with the header, or undefined. */
  layout(): string | undefined {
    if (this.#problem !== undefined) return this.#problem
    try {
      const { layout } = readLayout(concatBytes(...this.#head), { fileBytes: this.#bytes })
      const found = toHex(this.#crypto.sha256(layoutBytes(layout)))
      if (found !== this.#expected.layout) return `the layout has SHA-256 ${found}, not ${this.#expected.layout}`
      const parameters = layoutLength(layout)
      return parameters === this.#expected.parameters ? undefined : `the file has ${parameters} parameters`
    } catch (failure) {
      return messageOf(failure)
    }
  }

  #keepHead(piece: Uint8Array): void {
    let rest = piece
    while (this.#problem === undefined && this.#headBytes < this.#headDue && rest.length > 0) {
      const part = rest.slice(0, this.#headDue - this.#headBytes)
      this.#head.push(part)
      this.#headBytes += part.length
      rest = rest.subarray(part.length)
      if (this.#headDue === 8 && this.#headBytes === 8) this.#findHeader()
    }
    if (rest.length > 0 && this.#problem === undefined) this.#onData(rest)
  }

  #findHeader(): void {
    try {
      this.#headDue = readDataOffset(concatBytes(...this.#head), { fileBytes: this.#expected.weightsBytes })
    } catch (failure) {
      this.#problem = messageOf(failure)
    }
  }
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure)
}
