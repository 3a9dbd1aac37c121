import type Database from 'better-sqlite3'
import { ParleyError } from '../../../core/errors/index.ts'
import type { MemberRecord, MemberStore, RequestRecord, SessionRecord, TokenRecord } from '../member-ports.ts'
import { inTransaction } from './database.ts'
import { attempting } from './failures.ts'

type Kept = { readonly record: string }

/** Members in SQLite. Statements run at once: no transaction is open across an await. */
export class SqliteMembers implements MemberStore {
  readonly #database: Database.Database

  constructor(database: Database.Database) {
    this.#database = database
  }

  async members(): Promise<readonly MemberRecord[]> {
    return this.#records('SELECT record FROM members ORDER BY name')
  }

  async member(id: string): Promise<MemberRecord | undefined> {
    return this.#records<MemberRecord>('SELECT record FROM members WHERE id = ?', id)[0]
  }

  async memberNamed(name: string): Promise<MemberRecord | undefined> {
    return this.#records<MemberRecord>('SELECT record FROM members WHERE name = ?', name)[0]
  }

  async addMember(member: MemberRecord, { first = false } = {}): Promise<void> {
    this.#transaction(() => {
      if (first && this.#rows('SELECT 1 FROM members LIMIT 1').length > 0) {
        throw new ParleyError('run.conflict', 'there are members already')
      }
      if (this.#rows('SELECT 1 FROM members WHERE name = ?', member.name).length > 0) {
        throw new ParleyError('member.name-taken')
      }
      this.#run(
        'INSERT INTO members (id, name, record) VALUES (?, ?, ?)',
        member.id,
        member.name,
        JSON.stringify(member),
      )
    })
  }

  async changeMember(id: string, change: (member: MemberRecord) => MemberRecord): Promise<MemberRecord> {
    return this.#changed<MemberRecord>('members', 'member', id, (member) => ({ ...change(member), name: member.name }))
  }

  async saveSession({ hash, member, createdAt, lastSeenAt }: SessionRecord): Promise<void> {
    this.#run(
      'INSERT OR REPLACE INTO member_sessions (hash, member, createdAt, lastSeenAt) VALUES (?, ?, ?, ?)',
      hash,
      member,
      createdAt,
      lastSeenAt,
    )
  }

  async session(hash: string): Promise<SessionRecord | undefined> {
    const rows = this.#rows('SELECT hash, member, createdAt, lastSeenAt FROM member_sessions WHERE hash = ?', hash)
    return rows[0] as SessionRecord | undefined
  }

  async touchSession(hash: string, lastSeenAt: string): Promise<void> {
    this.#run('UPDATE member_sessions SET lastSeenAt = ? WHERE hash = ?', lastSeenAt, hash)
  }

  async removeSession(hash: string): Promise<void> {
    this.#run('DELETE FROM member_sessions WHERE hash = ?', hash)
  }

  async removeSessions(member: string): Promise<void> {
    this.#run('DELETE FROM member_sessions WHERE member = ?', member)
  }

  async pruneSessions(before: { readonly lastSeenAt: string; readonly createdAt: string }): Promise<void> {
    const { lastSeenAt, createdAt } = before
    this.#run('DELETE FROM member_sessions WHERE lastSeenAt < ? OR createdAt < ?', lastSeenAt, createdAt)
  }

  async addToken(token: TokenRecord): Promise<void> {
    const { id, member } = token
    this.#run('INSERT INTO member_tokens (id, member, record) VALUES (?, ?, ?)', id, member, JSON.stringify(token))
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return this.#records<TokenRecord>('SELECT record FROM member_tokens WHERE id = ?', id)[0]
  }

  async tokens(member: string): Promise<readonly TokenRecord[]> {
    return this.#records('SELECT record FROM member_tokens WHERE member = ? ORDER BY position', member)
  }

  async changeToken(id: string, change: (token: TokenRecord) => TokenRecord): Promise<TokenRecord> {
    return this.#changed<TokenRecord>('member_tokens', 'token', id, (token) => ({
      ...change(token),
      member: token.member,
    }))
  }

  async addRequest(request: RequestRecord): Promise<void> {
    this.#run('INSERT INTO member_requests (id, record) VALUES (?, ?)', request.id, JSON.stringify(request))
  }

  async request(id: string): Promise<RequestRecord | undefined> {
    return this.#records<RequestRecord>('SELECT record FROM member_requests WHERE id = ?', id)[0]
  }

  async requests(limit: number): Promise<readonly RequestRecord[]> {
    return this.#records('SELECT record FROM member_requests ORDER BY position DESC LIMIT ?', limit)
  }

  async changeRequest(id: string, change: (request: RequestRecord) => RequestRecord): Promise<RequestRecord> {
    return this.#changed<RequestRecord>('member_requests', 'request', id, change)
  }

  #changed<Row extends object>(
    table: 'members' | 'member_tokens' | 'member_requests',
    what: string,
    id: string,
    change: (row: Row) => Row,
  ): Row {
    return this.#transaction(() => {
      const before = this.#records<Row>(`SELECT record FROM ${table} WHERE id = ?`, id)[0]
      if (before === undefined) throw new ParleyError('object.not-found', `there is no such ${what}`)
      const after = { ...change(before), id }
      this.#run(`UPDATE ${table} SET record = ? WHERE id = ?`, JSON.stringify(after), id)
      return after
    })
  }

  #transaction<Result>(work: () => Result): Result {
    return inTransaction(this.#database, 'the members', work)
  }

  #records<Row>(sql: string, ...values: readonly (string | number)[]): readonly Row[] {
    return this.#rows(sql, ...values).map((row) => JSON.parse((row as Kept).record) as Row)
  }

  #rows(sql: string, ...values: readonly (string | number)[]): unknown[] {
    return this.#attempt(() => this.#database.prepare(sql).all(...values))
  }

  #run(sql: string, ...values: readonly (string | number)[]): void {
    this.#attempt(() => this.#database.prepare(sql).run(...values))
  }

  #attempt<Result>(work: () => Result): Result {
    return attempting('the members', work)
  }
}
