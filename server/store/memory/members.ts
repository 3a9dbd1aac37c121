import { ParleyError } from '../../../core/errors/index.ts'
import { compareCodePoints } from '../../../core/tensors/layout.ts'
import type { MemberRecord, MemberStore, RequestRecord, SessionRecord, TokenRecord } from '../member-ports.ts'

/** Members in memory. Rows are copied in and out. */
export class MemoryMembers implements MemberStore {
  readonly #members = new Map<string, MemberRecord>()
  readonly #sessions = new Map<string, SessionRecord>()
  readonly #tokens = new Map<string, TokenRecord>()
  readonly #requests = new Map<string, RequestRecord>()

  async members(): Promise<readonly MemberRecord[]> {
    return [...this.#members.values()].map(copy).sort((a, b) => compareCodePoints(a.name, b.name))
  }

  async member(id: string): Promise<MemberRecord | undefined> {
    return found(this.#members.get(id))
  }

  async memberNamed(name: string): Promise<MemberRecord | undefined> {
    return found([...this.#members.values()].find((one) => one.name === name))
  }

  async addMember(member: MemberRecord, { first = false } = {}): Promise<void> {
    const all = [...this.#members.values()]
    if (first && all.length > 0) throw new ParleyError('run.conflict', 'there are members already')
    if (all.some(({ name }) => name === member.name)) throw new ParleyError('member.name-taken')
    this.#members.set(member.id, copy(member))
  }

  async changeMember(id: string, change: (member: MemberRecord) => MemberRecord): Promise<MemberRecord> {
    return changed(this.#members, id, 'member', (member) => ({ ...change(member), id, name: member.name }))
  }

  async saveSession(session: SessionRecord): Promise<void> {
    this.#sessions.set(session.hash, copy(session))
  }

  async session(hash: string): Promise<SessionRecord | undefined> {
    return found(this.#sessions.get(hash))
  }

  async touchSession(hash: string, lastSeenAt: string): Promise<void> {
    const session = this.#sessions.get(hash)
    if (session !== undefined) this.#sessions.set(hash, { ...session, lastSeenAt })
  }

  async removeSession(hash: string): Promise<void> {
    this.#sessions.delete(hash)
  }

  async removeSessions(member: string): Promise<void> {
    for (const session of [...this.#sessions.values()]) {
      if (session.member === member) this.#sessions.delete(session.hash)
    }
  }

  async pruneSessions(before: { readonly lastSeenAt: string; readonly createdAt: string }): Promise<void> {
    for (const { hash, lastSeenAt, createdAt } of [...this.#sessions.values()]) {
      if (lastSeenAt < before.lastSeenAt || createdAt < before.createdAt) this.#sessions.delete(hash)
    }
  }

  async addToken(token: TokenRecord): Promise<void> {
    this.#tokens.set(token.id, copy(token))
  }

  async token(id: string): Promise<TokenRecord | undefined> {
    return found(this.#tokens.get(id))
  }

  async tokens(member: string): Promise<readonly TokenRecord[]> {
    return [...this.#tokens.values()].filter((token) => token.member === member).map(copy)
  }

  async changeToken(id: string, change: (token: TokenRecord) => TokenRecord): Promise<TokenRecord> {
    return changed(this.#tokens, id, 'token', (token) => ({ ...change(token), id, member: token.member }))
  }

  async addRequest(request: RequestRecord): Promise<void> {
    this.#requests.set(request.id, copy(request))
  }

  async request(id: string): Promise<RequestRecord | undefined> {
    return found(this.#requests.get(id))
  }

  async requests(limit: number): Promise<readonly RequestRecord[]> {
    return [...this.#requests.values()].reverse().slice(0, limit).map(copy)
  }

  async changeRequest(id: string, change: (request: RequestRecord) => RequestRecord): Promise<RequestRecord> {
    return changed(this.#requests, id, 'request', (request) => ({ ...change(request), id }))
  }
}

function changed<Row extends object>(rows: Map<string, Row>, id: string, what: string, change: (row: Row) => Row): Row {
  const before = rows.get(id)
  if (before === undefined) throw new ParleyError('object.not-found', `there is no such ${what}`)
  const after = copy(change(copy(before)))
  rows.set(id, after)
  return copy(after)
}

function copy<Row extends object>(row: Row): Row {
  return structuredClone(row)
}

function found<Row extends object>(row: Row | undefined): Row | undefined {
  return row === undefined ? undefined : copy(row)
}
