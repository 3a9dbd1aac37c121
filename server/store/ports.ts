import type { EnrolmentRecords } from './enrolment-ports.ts'
import type { MemberStore } from './member-ports.ts'

/**
 * What the coordinator stands on. Three ports, each with an in-memory and a durable adapter that pass the same contract
 * suite (test/contract/). Everything that resolves is durable: it survives `kill -9` and a power cut.
 */

/** SHA-256 in lower-case hex: the name of every blob. */
export type Digest = string

/**
 * Bytes named by their SHA-256: weights, plans, sealed updates. A name that is not 64 lower-case hex digits fails with
 * `request.invalid` everywhere; no room fails with `store.full`, and then nothing of the write is visible.
 */
export interface BlobStore {
  /** Reads give views of what is stored, which nobody may write to; memory that is passed for them is not used. */
  readonly givesViews?: true
  /** Size in bytes, or undefined when there is no such blob (partial blobs do not count). */
  size(digest: Digest): Promise<number | undefined>
  /**
   * `length` bytes from `offset`. Fails with `object.not-found` when absent, `request.invalid` when out of range. The
   * result belongs to the caller; it lies in `into` where that is long enough. A read of a whole blob is held against its name and fails with `store.corrupt`; a part
   * cannot be, and is worth what `verify` or the reader's own check says.
   */
  read(digest: Digest, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>
  /** Reads the blob once through. Fails with `store.corrupt` when it was altered, `object.not-found` when absent. */
  verify(digest: Digest): Promise<void>
  /** Stores bytes under their digest; storing what is there already does nothing. */
  put(bytes: Uint8Array): Promise<Digest>
  /** A writer for a blob whose digest is not known beforehand. */
  create(): Promise<BlobWriter>
  /**
   * A writer for a blob of known digest and length, which goes on where an earlier writer for the same blob stopped,
   * also after a crash: `written` is then above 0, rounded down to a multiple of `granule`. One writer a digest:
   * resuming again takes over from the earlier one, whose next `write` or `commit` fails with `session.replaced`.
   * When the blob is complete already, `written` is `length` and `commit` only returns the digest; with another length
   * than the blob has, fails with `update.digest-mismatch`.
   */
  resume(digest: Digest, length: number, granule: number): Promise<BlobWriter>
  /** Removes a blob and whatever is partial of it; absent is fine. An open writer of the digest is taken over. */
  remove(digest: Digest): Promise<void>
  /** Digests of all complete blobs, in no order. */
  list(): AsyncIterable<Digest>
}

/** Writes one blob from front to back. Nothing is visible in the store before `commit` has resolved. */
export interface BlobWriter {
  readonly written: number
  /**
   * Appends; resolves when the bytes were handed to the store (not yet durable), and the caller may use them again.
   * More than the promised length fails with `request.invalid`. After a failed write only `release` is of use.
   */
  write(bytes: Uint8Array): Promise<void>
  /**
   * Makes the blob durable and visible and returns its digest. When it was opened with a digest and the bytes do not
   * have it, fails with `update.digest-mismatch` and keeps nothing.
   */
  commit(): Promise<Digest>
  /**
   * Gives up the handle. A writer from `resume` keeps what was written for the next one; one from `create` keeps nothing.
   * May be called at any time, also after `commit` and after another writer took over; then it does nothing.
   */
  release(): Promise<void>
}

/** The journal of a run: what the round machine was told, in order. Replaying it gives the machine's state. */
export interface Journal {
  /**
   * Appends one entry under the next number of its run. `sequence` must be that number (0, 1, 2 …), else `run.conflict`:
   * two coordinators never write to one run. `entry` is canonical JSON text.
   */
  append(run: string, sequence: number, entry: string): Promise<void>
  /** All entries of a run in order; none when the run is unknown. Fails with `store.corrupt` when one was altered. */
  read(run: string): Promise<readonly string[]>
}

export type RunRecord = {
  readonly id: string
  /** Name of the model that the plan trains. */
  readonly model: string
  readonly plan: Digest
  /** UTC, RFC 3339 with milliseconds. */
  readonly createdAt: string
  readonly status: 'active' | 'finished' | 'failed' | 'stopped'
}

export type ClientRecord = {
  readonly id: string
  /** Ed25519 public key, lower-case hex. */
  readonly publicKey: string
  readonly firstSeenAt: string
  readonly lastSeenAt: string
}

/** A published version: immutable. */
export type VersionRecord = {
  readonly model: string
  readonly number: number
  /** Digest of the safetensors file; it lies in the blob store. */
  readonly weights: Digest
  /** The signed manifest: a DSSE envelope as JSON text. */
  readonly envelope: string
  readonly run: string
  readonly round: number
  readonly publishedAt: string
}

/** One move of an alias. The newest one says where the alias points. */
export type AliasMove = {
  readonly model: string
  readonly alias: string
  /** 1, 2, 3 … per model and alias. */
  readonly sequence: number
  readonly version: number
  readonly reason: string
  readonly at: string
  /** Who moved it. */
  readonly actor: string
  /** The signed record of the move: a DSSE envelope as JSON text. */
  readonly envelope: string
}

/**
 * Makes the next move of an alias to `version`, after `last`, its newest one; or, with a `version` in what it returns, to that
 * one, which must be there. May have no effects; what it throws is what the move fails with.
 */
export type PrepareMove = (
  version: VersionRecord,
  last: AliasMove | undefined,
) => Pick<AliasMove, 'reason' | 'at' | 'actor' | 'envelope'> & { readonly version?: number }

/** What was said of a published version since; the newest one holds. A version of which nothing was said is in use. */
export type VersionState = {
  readonly model: string
  readonly number: number
  readonly state: 'in-use' | 'deprecated' | 'withdrawn'
  readonly reason: string
  readonly actor: string
  readonly at: string
}

/** A word on a version that people give it; no part of what is signed. */
export type Tag = { readonly model: string; readonly number: number; readonly key: string; readonly value: string }

/** One change of a tag. `value` null: it was taken away; `previous` null: there was none. */
export type TagChange = {
  readonly model: string
  readonly number: number
  readonly key: string
  readonly value: string | null
  readonly previous: string | null
  readonly actor: string
  readonly at: string
}

/** Which tags are asked for; what is absent may be anything. */
export type TagFilter = {
  readonly model?: string | undefined
  readonly number?: number | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

/** A result of a run before its gates, and what they said. */
export type CandidateRecord = {
  readonly model: string
  readonly run: string
  readonly round: number
  readonly weights: Digest
  readonly passed: boolean
  /** The verdicts as JSON text. */
  readonly gates: string
  readonly at: string
}

/** A member's signed word on a version: a DSSE envelope as JSON text. */
export type ApprovalRecord = {
  readonly model: string
  readonly number: number
  readonly member: string
  readonly envelope: string
  readonly at: string
}

/** A consumer's signed report of outcomes: a DSSE envelope as JSON text. */
export type OutcomesRecord = {
  readonly model: string
  /** The rollout's id in the alias record. */
  readonly rollout: string
  readonly consumer: string
  /** 1, 2, 3 … per model, rollout and consumer. */
  readonly sequence: number
  /** SHA-256 of the signed payload. */
  readonly sha256: Digest
  readonly envelope: string
  /** When it was taken. */
  readonly at: string
}

/** Small records that are looked up and listed. */
export interface Records {
  /** Inserts or replaces. */
  saveRun(run: RunRecord): Promise<void>
  run(id: string): Promise<RunRecord | undefined>
  /** Newest first. */
  runs(): Promise<readonly RunRecord[]>

  /** Inserts or updates; `firstSeenAt` of a known client stays. */
  saveClient(client: ClientRecord): Promise<void>
  /** Sorted by id. */
  clients(): Promise<readonly ClientRecord[]>

  /**
   * Publishes under the next number of the model, in one transaction with the alias move. `prepare` gets the number and
   * returns what is stored; it may not have effects. What it throws is what `publish` fails with, and nothing is stored.
   * A candidate (run, round) that was published before is returned as it is, and nothing is changed: publishing twice is
   * publishing once.
   */
  publish(
    candidate: { readonly model: string; readonly run: string; readonly round: number },
    prepare: (number: number) => Omit<VersionRecord, 'model' | 'number' | 'run' | 'round'>,
    alias?: { readonly name: string; readonly prepare: PrepareMove },
  ): Promise<VersionRecord>
  /** Names of all models with at least one version, sorted. */
  models(): Promise<readonly string[]>
  version(model: string, number: number): Promise<VersionRecord | undefined>
  /** Oldest first. */
  versions(model: string): Promise<readonly VersionRecord[]>
  /** The newest move of the alias. */
  alias(model: string, alias: string): Promise<AliasMove | undefined>
  /** All moves of all aliases of the model, oldest first. */
  aliasHistory(model: string): Promise<readonly AliasMove[]>
  /**
   * Moves an alias, in one transaction with the look at where it was. Fails with `object.not-found` for a version that is not
   * there and with `version.withdrawn` for one that is.
   */
  moveAlias(
    target: { readonly model: string; readonly alias: string; readonly version: number },
    prepare: PrepareMove,
  ): Promise<AliasMove>

  /** Appends. Fails with `object.not-found` for a version that is not there. */
  setVersionState(state: VersionState): Promise<void>
  /** All that was said of the model's versions, oldest first. */
  versionStates(model: string): Promise<readonly VersionState[]>

  /**
   * Sets a tag, or takes it away, and keeps who did it, when, and what it said before; all in one transaction. What is so already
   * changes nothing, and gives undefined. Fails with `object.not-found` for a version, or a tag to be taken away, that is not there,
   * and with `version.tags-full`.
   */
  setTag(asked: Omit<TagChange, 'previous'>): Promise<TagChange | undefined>
  /** In the order of model, number and key; at most `limit`. */
  tags(filter: TagFilter, limit: number): Promise<readonly Tag[]>
  /** All changes of a version's tags, oldest first. */
  tagChanges(model: string, number: number): Promise<readonly TagChange[]>

  /** Inserts, or does nothing where the candidate (model, run, round) is there already. */
  saveCandidate(candidate: CandidateRecord): Promise<void>
  /** Of one model, oldest first. */
  candidates(model: string): Promise<readonly CandidateRecord[]>

  /** Inserts, or replaces the same member's. Fails with `object.not-found` for a version that is not there. */
  saveApproval(approval: ApprovalRecord): Promise<void>
  /** Of one version, in the order of the members. */
  approvals(model: string, number: number): Promise<readonly ApprovalRecord[]>

  /**
   * Appends the next report of its consumer. The very one that was taken last does nothing; any other of a number that is
   * taken fails with `outcomes.replayed`, and one that leaves a number out with `outcomes.gap`.
   */
  saveOutcomes(outcomes: OutcomesRecord): Promise<void>
  /** Of one rollout, in the order in which they were taken. */
  outcomes(model: string, rollout: string): Promise<readonly OutcomesRecord[]>
}

/** The ports together, with one life. */
export interface Store {
  /** Models and plans: what is served. */
  readonly blobs: BlobStore
  /** Sealed updates, apart from what is served, so that no name that a client makes up ever meets a model. */
  readonly spool: BlobStore
  readonly journal: Journal
  readonly records: Records
  readonly members: MemberStore
  readonly enrolments: EnrolmentRecords
  /** Room on the disk; absent where there is no disk. */
  readonly room?: StoreRoom
  /**
   * Keeps others from copying or removing blobs until what it gives is called; absent where there are no others. Fails with
   * `store.locked` while a backup is made.
   */
  readonly holdBlobs?: () => Promise<() => void>
  /** May be called twice. */
  close(): Promise<void>
}

export interface StoreRoom {
  /** Bytes that the store takes. Looks at every file. */
  used(): Promise<number>
  /** Bytes that are free on its disk. */
  free(): Promise<number>
}
