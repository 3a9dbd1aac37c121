/**
 * Where verified versions outlive a program. It is not trusted: whatever comes out of it is verified again, so it has to keep
 * no secrets and to find no mistakes. Digests are SHA-256 in lower-case hex; names are at most 400 letters, digits, dots,
 * dashes, underscores and `@`. Failures of the storage are thrown as `store.failed` or `store.full`.
 */
export interface VersionCache {
  /** A small document, whole as it was written last; undefined when there is none or it is longer than `maxBytes`. */
  document(name: string, maxBytes: number): Promise<Uint8Array | undefined>
  /** Replaces a document at once: who reads, and who comes after a crash, finds the old or the new one. */
  writeDocument(name: string, bytes: Uint8Array): Promise<void>
  /** The names of all documents. */
  documents(): Promise<readonly string[]>
  /** A complete file; undefined when there is none, or it has another length. The bytes are the caller's own. */
  file(sha256: string, length: number): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Whether `file` would give it. */
  has(sha256: string, length: number): Promise<boolean>
  /** The file under its temporary name, to be gone on with: its bytes are in none of the other answers until `commit`. */
  part(sha256: string): Promise<CachePart>
  /** The digests of all files, complete or not. */
  files(): Promise<readonly string[]>
  /** Removes a file, complete or not. What is not there is no failure. */
  remove(sha256: string): Promise<void>
}

/** A file while it is written. */
export interface CachePart {
  /** What was written of it before, at most `length` bytes. */
  read(length: number): Promise<Uint8Array<ArrayBuffer>>
  /** Puts a piece behind `offset` bytes. The piece may be used again afterwards. */
  write(offset: number, piece: Uint8Array): Promise<void>
  /** Makes the first `length` bytes the complete file, durably. The part is of no use afterwards. */
  commit(length: number): Promise<void>
  /** Lets go of it; what was written stays where the cache can keep it. */
  close(): Promise<void>
}
