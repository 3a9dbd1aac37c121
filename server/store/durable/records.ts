import type Database from 'better-sqlite3'
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import { ParleyError } from '../../../core/errors/index.ts'
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
import { inTransaction } from './database.ts'
import { attempting } from './failures.ts'
import type { Tables } from './schema.ts'

/**
 * Builds and types the statements; it never runs them. They are run at once by better-sqlite3, so that no transaction is
 * open across an await and none of the journal ever falls into one of the records.
 */
const build = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})

const moveColumns = ['model', 'alias', 'sequence', 'version', 'reason', 'at', 'actor', 'envelope'] as const
const stateColumns = ['model', 'number', 'state', 'reason', 'actor', 'at'] as const
const tagChangeColumns = ['model', 'number', 'key', 'value', 'previous', 'actor', 'at'] as const
const outcomesColumns = ['model', 'rollout', 'consumer', 'sequence', 'sha256', 'envelope', 'at'] as const
const candidateColumns = ['model', 'run', 'round', 'weights', 'passed', 'gates', 'at'] as const

/** Records in SQLite. */
export class SqliteRecords implements Records {
  readonly #database: Database.Database
  readonly #statements = new Map<string, Database.Statement<unknown[]>>()

  constructor(database: Database.Database) {
    this.#database = database
  }

  async saveRun(run: RunRecord): Promise<void> {
    const { id, ...rest } = run
    this.#run(
      build
        .insertInto('runs')
        .values(run)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(rest)),
    )
  }

  async run(id: string): Promise<RunRecord | undefined> {
    return this.#rows(build.selectFrom('runs').selectAll().where('id', '=', id))[0]
  }

  async runs(): Promise<readonly RunRecord[]> {
    return this.#rows(build.selectFrom('runs').selectAll().orderBy('createdAt', 'desc').orderBy(sql`rowid`, 'desc'))
  }

  async saveClient(client: ClientRecord): Promise<void> {
    const { publicKey, lastSeenAt } = client
    this.#run(
      build
        .insertInto('clients')
        .values(client)
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ publicKey, lastSeenAt })),
    )
  }

  async clients(): Promise<readonly ClientRecord[]> {
    return this.#rows(build.selectFrom('clients').selectAll().orderBy('id'))
  }

  async publish(
    candidate: { readonly model: string; readonly run: string; readonly round: number },
    prepare: (number: number) => Omit<VersionRecord, 'model' | 'number' | 'run' | 'round'>,
    alias?: { readonly name: string; readonly prepare: PrepareMove },
  ): Promise<VersionRecord> {
    const { model, run, round } = candidate
    return this.#transaction(() => {
      const before = this.#rows(this.#ofModel(model).where('run', '=', run).where('round', '=', round))[0]
      if (before !== undefined) return before
      const number = (this.#rows(this.#ofModel(model).orderBy('number', 'desc').limit(1))[0]?.number ?? 0) + 1
      const { weights, envelope, publishedAt } = prepare(number)
      const version: VersionRecord = { model, number, weights, envelope, run, round, publishedAt }
      this.#run(build.insertInto('versions').values(version))
      if (alias !== undefined) this.#move(version, alias.name, alias.prepare)
      return version
    })
  }

  async models(): Promise<readonly string[]> {
    const rows = this.#rows(build.selectFrom('versions').select('model').distinct().orderBy('model'))
    return rows.map(({ model }) => model)
  }

  async version(model: string, number: number): Promise<VersionRecord | undefined> {
    return this.#rows(this.#ofModel(model).where('number', '=', number))[0]
  }

  async versions(model: string): Promise<readonly VersionRecord[]> {
    return this.#rows(this.#ofModel(model).orderBy('number'))
  }

  async alias(model: string, alias: string): Promise<AliasMove | undefined> {
    return this.#newestMove(model, alias)
  }

  async aliasHistory(model: string): Promise<readonly AliasMove[]> {
    return this.#rows(
      build.selectFrom('alias_moves').select(moveColumns).where('model', '=', model).orderBy(sql`position`),
    )
  }

  async moveAlias(
    target: { readonly model: string; readonly alias: string; readonly version: number },
    prepare: PrepareMove,
  ): Promise<AliasMove> {
    const { model, alias, version } = target
    return this.#transaction(() => this.#move(this.#existing(model, version), alias, prepare))
  }

  async setVersionState(state: VersionState): Promise<void> {
    this.#transaction(() => {
      this.#existing(state.model, state.number)
      this.#run(build.insertInto('version_states').values(state))
    })
  }

  async versionStates(model: string): Promise<readonly VersionState[]> {
    return this.#rows(
      build.selectFrom('version_states').select(stateColumns).where('model', '=', model).orderBy(sql`position`),
    )
  }

  async setTag(asked: Omit<TagChange, 'previous'>): Promise<TagChange | undefined> {
    const { model, number, key, value } = asked
    return this.#transaction(() => {
      this.#existing(model, number)
      const all = this.#rows(this.#tagsOf({ model, number }))
      const change = tagChange(asked, all.find((tag) => tag.key === key)?.value, all.length)
      if (change === undefined) return undefined
      if (value === null) {
        const gone = build.deleteFrom('tags').where('model', '=', model).where('number', '=', number)
        this.#run(gone.where('key', '=', key))
      } else {
        const set = build.insertInto('tags').values({ model, number, key, value })
        this.#run(set.onConflict((conflict) => conflict.columns(['model', 'number', 'key']).doUpdateSet({ value })))
      }
      this.#run(build.insertInto('tag_changes').values(change))
      return change
    })
  }

  async tags(filter: TagFilter, limit: number): Promise<readonly Tag[]> {
    return this.#rows(this.#tagsOf(filter).orderBy('model').orderBy('number').orderBy('key').limit(limit))
  }

  async tagChanges(model: string, number: number): Promise<readonly TagChange[]> {
    const changes = build.selectFrom('tag_changes').select(tagChangeColumns)
    return this.#rows(changes.where('model', '=', model).where('number', '=', number).orderBy(sql`position`))
  }

  #tagsOf({ model, number, key, value }: TagFilter) {
    let tags = build.selectFrom('tags').selectAll()
    if (model !== undefined) tags = tags.where('model', '=', model)
    if (number !== undefined) tags = tags.where('number', '=', number)
    if (key !== undefined) tags = tags.where('key', '=', key)
    if (value !== undefined) tags = tags.where('value', '=', value)
    return tags
  }

  async saveCandidate(candidate: CandidateRecord): Promise<void> {
    const row = { ...candidate, passed: candidate.passed ? 1 : 0 }
    this.#run(
      build
        .insertInto('candidates')
        .values(row)
        .onConflict((conflict) => conflict.doNothing()),
    )
  }

  async candidates(model: string): Promise<readonly CandidateRecord[]> {
    const rows = this.#rows(
      build.selectFrom('candidates').select(candidateColumns).where('model', '=', model).orderBy(sql`position`),
    )
    return rows.map((row) => ({ ...row, passed: row.passed === 1 }))
  }

  async saveApproval(approval: ApprovalRecord): Promise<void> {
    const { envelope, at } = approval
    this.#transaction(() => {
      this.#existing(approval.model, approval.number)
      this.#run(
        build
          .insertInto('approvals')
          .values(approval)
          .onConflict((conflict) => conflict.columns(['model', 'number', 'member']).doUpdateSet({ envelope, at })),
      )
    })
  }

  async approvals(model: string, number: number): Promise<readonly ApprovalRecord[]> {
    const all = build.selectFrom('approvals').selectAll()
    return this.#rows(all.where('model', '=', model).where('number', '=', number).orderBy('member'))
  }

  async saveOutcomes(outcomes: OutcomesRecord): Promise<void> {
    const { model, rollout, consumer } = outcomes
    this.#transaction(() => {
      const own = this.#outcomesOf(model, rollout).where('consumer', '=', consumer)
      const last = this.#rows(own.orderBy('sequence', 'desc').limit(1))[0]
      if (checkNextOutcomes(last, outcomes)) this.#run(build.insertInto('outcomes').values(outcomes))
    })
  }

  async outcomes(model: string, rollout: string): Promise<readonly OutcomesRecord[]> {
    return this.#rows(this.#outcomesOf(model, rollout).orderBy(sql`position`))
  }

  #outcomesOf(model: string, rollout: string) {
    return build
      .selectFrom('outcomes')
      .select(outcomesColumns)
      .where('model', '=', model)
      .where('rollout', '=', rollout)
  }

  #existing(model: string, number: number): VersionRecord {
    const version = this.#rows(this.#ofModel(model).where('number', '=', number))[0]
    if (version === undefined) throw new ParleyError('object.not-found', `there is no version ${number} of ${model}`)
    return version
  }

  #stateOf({ model, number }: VersionRecord): VersionState['state'] {
    const states = build.selectFrom('version_states').select(stateColumns).where('model', '=', model)
    const newest = states.where('number', '=', number).orderBy(sql`position`, 'desc').limit(1)
    return this.#rows(newest)[0]?.state ?? 'in-use'
  }

  #ofModel(model: string) {
    return build.selectFrom('versions').selectAll().where('model', '=', model)
  }

  #newestMove(model: string, alias: string): AliasMove | undefined {
    const moves = build.selectFrom('alias_moves').select(moveColumns)
    return this.#rows(
      moves.where('model', '=', model).where('alias', '=', alias).orderBy('sequence', 'desc').limit(1),
    )[0]
  }

  #move(version: VersionRecord, alias: string, prepare: PrepareMove): AliasMove {
    const { model, number } = version
    if (this.#stateOf(version) === 'withdrawn') throw new ParleyError('version.withdrawn')
    const last = this.#newestMove(model, alias)
    const { reason, at, actor, envelope, version: target = number } = prepare(version, last)
    if (target !== number) this.#existing(model, target)
    const sequence = (last?.sequence ?? 0) + 1
    const move: AliasMove = { model, alias, sequence, version: target, reason, at, actor, envelope }
    this.#run(build.insertInto('alias_moves').values(move))
    return move
  }

  #transaction<Result>(work: () => Result): Result {
    return inTransaction(this.#database, 'publishing a version', work)
  }

  #run(query: { compile(): CompiledQuery<unknown> }): void {
    const { sql, parameters } = query.compile()
    this.#attempt(() => this.#statement(sql).run(...parameters))
  }

  #rows<Row>(query: { compile(): CompiledQuery<Row> }): Row[] {
    const { sql, parameters } = query.compile()
    // The builder knows the type of the rows from the same table types that the schema is written for.
    return this.#attempt(() => this.#statement(sql).all(...parameters)) as Row[]
  }

  #attempt<Result>(work: () => Result): Result {
    return attempting('the records', work)
  }

  #statement(sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(sql) ?? this.#database.prepare<unknown[]>(sql)
    this.#statements.set(sql, known)
    return known
  }
}
