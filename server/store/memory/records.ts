import { ParleyError } from '../../../core/errors/index.ts'
import { compareCodePoints } from '../../../core/tensors/layout.ts'
import { checkNextOutcomes } from '../outcomes.ts'
import type {
  AliasMove,
  ApprovalRecord,
  CandidateRecord,
  ClientRecord,
  OutcomesRecord,
  PrepareMove,
  Records,
  RunRecord,
  Tag,
  TagChange,
  TagFilter,
  VersionRecord,
  VersionState,
} from '../ports.ts'
import { tagChange } from '../tags.ts'

/** Records in memory. Rows are copied in and out, so that nobody changes a record by changing an object. */
export class MemoryRecords implements Records {
  readonly #runs = new Map<string, RunRecord>()
  readonly #clients = new Map<string, ClientRecord>()
  readonly #versions = new Map<string, VersionRecord[]>()
  readonly #moves = new Map<string, AliasMove[]>()
  readonly #states: VersionState[] = []
  #tags: readonly Tag[] = []
  readonly #tagChanges: TagChange[] = []
  readonly #candidates: CandidateRecord[] = []
  readonly #approvals: ApprovalRecord[] = []
  readonly #outcomes: OutcomesRecord[] = []

  async saveRun(run: RunRecord): Promise<void> {
    this.#runs.set(run.id, { ...run })
  }

  async run(id: string): Promise<RunRecord | undefined> {
    return copy(this.#runs.get(id))
  }

  async runs(): Promise<readonly RunRecord[]> {
    const newestFirst = [...this.#runs.values()].reverse()
    return newestFirst.map((run) => ({ ...run })).sort((a, b) => compareCodePoints(b.createdAt, a.createdAt))
  }

  async saveClient(client: ClientRecord): Promise<void> {
    const firstSeenAt = this.#clients.get(client.id)?.firstSeenAt ?? client.firstSeenAt
    this.#clients.set(client.id, { ...client, firstSeenAt })
  }

  async clients(): Promise<readonly ClientRecord[]> {
    return [...this.#clients.values()].map((client) => ({ ...client })).sort((a, b) => compareCodePoints(a.id, b.id))
  }

  async publish(
    candidate: { readonly model: string; readonly run: string; readonly round: number },
    prepare: (number: number) => Omit<VersionRecord, 'model' | 'number' | 'run' | 'round'>,
    alias?: { readonly name: string; readonly prepare: PrepareMove },
  ): Promise<VersionRecord> {
    const { model, run, round } = candidate
    const versions = this.#versions.get(model) ?? []
    const before = versions.find((version) => version.run === run && version.round === round)
    if (before !== undefined) return { ...before }
    const number = versions.length + 1
    const { weights, envelope, publishedAt } = prepare(number)
    const version: VersionRecord = { model, number, weights, envelope, run, round, publishedAt }
    // The move may fail, and then there is no version either.
    if (alias !== undefined) this.#move(version, alias.name, alias.prepare)
    this.#versions.set(model, [...versions, version])
    return { ...version }
  }

  async models(): Promise<readonly string[]> {
    return [...this.#versions.keys()].sort(compareCodePoints)
  }

  async version(model: string, number: number): Promise<VersionRecord | undefined> {
    return copy(this.#versions.get(model)?.find((version) => version.number === number))
  }

  async versions(model: string): Promise<readonly VersionRecord[]> {
    return (this.#versions.get(model) ?? []).map((version) => ({ ...version }))
  }

  async alias(model: string, alias: string): Promise<AliasMove | undefined> {
    return copy(this.#moves.get(model)?.findLast((move) => move.alias === alias))
  }

  async aliasHistory(model: string): Promise<readonly AliasMove[]> {
    return (this.#moves.get(model) ?? []).map((move) => ({ ...move }))
  }

  async moveAlias(
    target: { readonly model: string; readonly alias: string; readonly version: number },
    prepare: PrepareMove,
  ): Promise<AliasMove> {
    return { ...this.#move(this.#existing(target.model, target.version), target.alias, prepare) }
  }

  async setVersionState(state: VersionState): Promise<void> {
    this.#existing(state.model, state.number)
    this.#states.push({ ...state })
  }

  async versionStates(model: string): Promise<readonly VersionState[]> {
    return this.#states.filter((state) => state.model === model).map((state) => ({ ...state }))
  }

  async setTag(asked: Omit<TagChange, 'previous'>): Promise<TagChange | undefined> {
    const { model, number, key, value } = asked
    this.#existing(model, number)
    const own = this.#tags.filter((tag) => isTag(tag, { model, number }))
    const change = tagChange(asked, own.find((tag) => tag.key === key)?.value, own.length)
    if (change === undefined) return undefined
    const others = this.#tags.filter((tag) => !isTag(tag, { model, number, key }))
    this.#tags = value === null ? others : [...others, { model, number, key, value }]
    this.#tagChanges.push(change)
    return { ...change }
  }

  async tags(filter: TagFilter, limit: number): Promise<readonly Tag[]> {
    const found = this.#tags.filter((tag) => isTag(tag, filter)).map((tag) => ({ ...tag }))
    const order = (a: Tag, b: Tag) =>
      compareCodePoints(a.model, b.model) || a.number - b.number || compareCodePoints(a.key, b.key)
    return found.sort(order).slice(0, limit)
  }

  async tagChanges(model: string, number: number): Promise<readonly TagChange[]> {
    const own = this.#tagChanges.filter((change) => change.model === model && change.number === number)
    return own.map((change) => ({ ...change }))
  }

  async saveCandidate(candidate: CandidateRecord): Promise<void> {
    const { model, run, round } = candidate
    const isIt = (one: CandidateRecord) => one.model === model && one.run === run && one.round === round
    if (!this.#candidates.some(isIt)) this.#candidates.push({ ...candidate })
  }

  async candidates(model: string): Promise<readonly CandidateRecord[]> {
    return this.#candidates.filter((candidate) => candidate.model === model).map((candidate) => ({ ...candidate }))
  }

  async saveApproval(approval: ApprovalRecord): Promise<void> {
    const { model, number, member } = approval
    this.#existing(model, number)
    const at = this.#approvals.findIndex((one) => one.model === model && one.number === number && one.member === member)
    this.#approvals.splice(at < 0 ? this.#approvals.length : at, at < 0 ? 0 : 1, { ...approval })
  }

  async approvals(model: string, number: number): Promise<readonly ApprovalRecord[]> {
    const own = this.#approvals.filter((one) => one.model === model && one.number === number)
    return own.map((one) => ({ ...one })).sort((a, b) => compareCodePoints(a.member, b.member))
  }

  async saveOutcomes(outcomes: OutcomesRecord): Promise<void> {
    const { model, rollout, consumer } = outcomes
    const isOf = (one: OutcomesRecord) => one.model === model && one.rollout === rollout && one.consumer === consumer
    if (checkNextOutcomes(this.#outcomes.findLast(isOf), outcomes)) this.#outcomes.push({ ...outcomes })
  }

  async outcomes(model: string, rollout: string): Promise<readonly OutcomesRecord[]> {
    return this.#outcomes.filter((one) => one.model === model && one.rollout === rollout).map((one) => ({ ...one }))
  }

  #existing(model: string, number: number): VersionRecord {
    const version = this.#versions.get(model)?.find((one) => one.number === number)
    if (version === undefined) throw new ParleyError('object.not-found', `there is no version ${number} of ${model}`)
    return version
  }

  #move(version: VersionRecord, alias: string, prepare: PrepareMove): AliasMove {
    const { model, number } = version
    const state = this.#states.findLast((one) => one.model === model && one.number === number)?.state
    if (state === 'withdrawn') throw new ParleyError('version.withdrawn')
    const moves = this.#moves.get(model) ?? []
    const last = moves.findLast((move) => move.alias === alias)
    const { reason, at, actor, envelope, version: target = number } = prepare({ ...version }, copy(last))
    // Another version than the one that may just be being published must be there already.
    if (target !== number) this.#existing(model, target)
    const move: AliasMove = {
      model,
      alias,
      sequence: (last?.sequence ?? 0) + 1,
      version: target,
      reason,
      at,
      actor,
      envelope,
    }
    this.#moves.set(model, [...moves, move])
    return move
  }
}

function copy<Row extends object>(row: Row | undefined): Row | undefined {
  return row === undefined ? undefined : { ...row }
}

function isTag(tag: Tag, { model, number, key, value }: TagFilter): boolean {
  return (
    (model ?? tag.model) === tag.model &&
    (number ?? tag.number) === tag.number &&
    (key ?? tag.key) === tag.key &&
    (value ?? tag.value) === tag.value
  )
}
