import { compareCodePoints } from '../../../core/tensors/layout.ts'
import type { AliasMove, ClientRecord, Records, RunRecord, VersionRecord } from '../ports.ts'

/** Records in memory. Rows are copied in and out, so that nobody changes a record by changing an object. */
export class MemoryRecords implements Records {
  readonly #runs = new Map<string, RunRecord>()
  readonly #clients = new Map<string, ClientRecord>()
  readonly #versions = new Map<string, VersionRecord[]>()
  readonly #moves = new Map<string, AliasMove[]>()

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
    alias?: { readonly name: string; readonly reason: string },
  ): Promise<VersionRecord> {
    const { model, run, round } = candidate
    const versions = this.#versions.get(model) ?? []
    const before = versions.find((version) => version.run === run && version.round === round)
    if (before !== undefined) return { ...before }
    const number = versions.length + 1
    const { weights, envelope, publishedAt } = prepare(number)
    const version: VersionRecord = { model, number, weights, envelope, run, round, publishedAt }
    this.#versions.set(model, [...versions, version])
    if (alias !== undefined) this.#move(version, alias)
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

  #move(version: VersionRecord, { name, reason }: { readonly name: string; readonly reason: string }): void {
    const { model, number, publishedAt } = version
    const moves = this.#moves.get(model) ?? []
    const sequence = moves.filter((move) => move.alias === name).length + 1
    this.#moves.set(model, [...moves, { model, alias: name, sequence, version: number, reason, at: publishedAt }])
  }
}

function copy<Row extends object>(row: Row | undefined): Row | undefined {
  return row === undefined ? undefined : { ...row }
}
