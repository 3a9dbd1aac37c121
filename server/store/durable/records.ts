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
import type { AliasMove, ClientRecord, Records, RunRecord, VersionRecord } from '../ports.ts'
import { storeFailure } from './failures.ts'
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

const moveColumns = ['model', 'alias', 'sequence', 'version', 'reason', 'at'] as const

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
    alias?: { readonly name: string; readonly reason: string },
  ): Promise<VersionRecord> {
    const { model, run, round } = candidate
    return this.#transaction(() => {
      const before = this.#rows(this.#ofModel(model).where('run', '=', run).where('round', '=', round))[0]
      if (before !== undefined) return before
      const number = (this.#rows(this.#ofModel(model).orderBy('number', 'desc').limit(1))[0]?.number ?? 0) + 1
      const { weights, envelope, publishedAt } = prepare(number)
      const version: VersionRecord = { model, number, weights, envelope, run, round, publishedAt }
      this.#run(build.insertInto('versions').values(version))
      if (alias !== undefined) this.#move(version, alias)
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

  #ofModel(model: string) {
    return build.selectFrom('versions').selectAll().where('model', '=', model)
  }

  #newestMove(model: string, alias: string): AliasMove | undefined {
    const moves = build.selectFrom('alias_moves').select(moveColumns)
    return this.#rows(
      moves.where('model', '=', model).where('alias', '=', alias).orderBy('sequence', 'desc').limit(1),
    )[0]
  }

  #move(version: VersionRecord, { name, reason }: { readonly name: string; readonly reason: string }): void {
    const { model, number, publishedAt } = version
    const sequence = (this.#newestMove(model, name)?.sequence ?? 0) + 1
    const move: AliasMove = { model, alias: name, sequence, version: number, reason, at: publishedAt }
    this.#run(build.insertInto('alias_moves').values(move))
  }

  #transaction<Result>(work: () => Result): Result {
    let own: unknown
    try {
      return this.#database
        .transaction(() => {
          try {
            return work()
          } catch (failure) {
            own = failure
            throw failure
          }
        })
        .immediate()
    } catch (failure) {
      // What `prepare` threw is handed on as it is.
      throw failure === own ? failure : storeFailure(failure, 'publishing a version')
    }
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
    try {
      return work()
    } catch (failure) {
      throw storeFailure(failure, 'the records')
    }
  }

  #statement(sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(sql) ?? this.#database.prepare<unknown[]>(sql)
    this.#statements.set(sql, known)
    return known
  }
}
