import {
  ALIAS_PAYLOAD_TYPE,
  type AliasRefusal,
  acceptAliasRecord,
  readAliasRecord,
  resolveAlias,
  type SeenAliasRecord,
} from '../../core/attestation/alias-record.ts'
import { parseDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Keeper } from '../cache/keeper.ts'
import type { Settings } from '../options.ts'
import type { Target } from '../version/manifest.ts'
import type { InRollout, Why } from '../version/open-version.ts'
import { Withdrawals } from './withdrawals.ts'

export type Goal = { readonly target: Target; readonly why: Why; readonly rollout?: InRollout | undefined }

/** The version whose answers this consumer may report, and the rollout that they belong to. */
export type Reportable = { readonly rollout: InRollout; readonly number: number; readonly root: string }

const refusals: Record<AliasRefusal, string> = {
  'another-alias': 'it is of another model or another alias',
  expired: 'it has expired',
  early: 'it was made later than now: is the clock right?',
  replayed: 'a later one was seen before',
  forked: 'it does not follow the one that was seen last: the registry has two histories',
  withdrawn: 'it points at a version that was withdrawn',
}

/** What is believed of an alias: its last record, and which versions were withdrawn. Pure but for the keeper. */
export class Ledger {
  readonly #settings: Settings
  readonly #model: string
  readonly #alias: string
  #seen: SeenAliasRecord | undefined
  /** What is known of withdrawals, which are told without a signature. */
  readonly withdrawals: Withdrawals

  constructor(settings: Settings, model: string, alias: string) {
    this.#settings = settings
    this.#model = model
    this.#alias = alias
    this.withdrawals = new Withdrawals(() => settings.clock.now())
  }

  /** Takes up what an earlier program believed. A record that does not verify is as if there were none. */
  async restore({ known }: Keeper): Promise<void> {
    this.withdrawals.restore(known.withdrawn)
    this.#seen = known.record === undefined ? undefined : await this.#read(known.record).catch(() => undefined)
  }

  /** When the last record expires, in milliseconds since the epoch; undefined before there is one. */
  get expires(): number | undefined {
    return this.#seen === undefined ? undefined : Date.parse(this.#seen.record.expires)
  }

  get sequence(): number | undefined {
    return this.#seen?.record.sequence
  }

  /**
   * Believes a record, or throws `verify.failed` or `version.withdrawn` with the reason why not. `fresh`: it is not the one that was believed already;
   * then the keeper has it before anything follows from it.
   */
  async take(envelope: Uint8Array, keeper: Keeper): Promise<{ readonly fresh: boolean; readonly missed: number }> {
    const read = await this.#read(envelope)
    const { number, rollout, at } = read.record
    const acceptance = acceptAliasRecord(this.#seen, read, this.#settings.clock.now(), {
      withdrawn: (one) => this.withdrawals.standsAgainst(one, Date.parse(at)),
    })
    if (!acceptance.accepted) {
      const { refusal } = acceptance
      const reason = `record ${read.record.sequence} of ${this.#alias}: ${refusals[refusal]}`
      throw new ParleyError(refusal === 'withdrawn' ? 'version.withdrawn' : 'verify.failed', reason, {
        details: { refusal },
      })
    }
    this.withdrawals.overrule([number, rollout?.number])
    const fresh = read.sha256 !== this.#seen?.sha256
    this.#seen = read
    if (fresh) await keeper.saveRecord(envelope, this.withdrawals.all)
    return { fresh, missed: acceptance.missed }
  }

  /**
   * Which version the last record means here; undefined before there is one, and when that version was withdrawn since. Of
   * a challenger that was withdrawn the record's other version takes the place.
   */
  goal(): Goal | undefined {
    if (this.#seen === undefined) return undefined
    const { record } = this.#seen
    const ways = [this.#settings.consumer, undefined].map((id) => resolveAlias(this.#settings.crypto, record, id))
    const way = ways.find(({ number }) => !this.withdrawals.has(number))
    if (way === undefined) return undefined
    const { number, root, why } = way
    const reportable = this.reportable()
    // Of a challenger that was withdrawn the champion takes the place, but not the side.
    const rollout = reportable?.number === number ? reportable.rollout : undefined
    return { target: { model: record.model, number, root }, why, rollout }
  }

  /** What the last record lets be reported; undefined for a consumer without an id, and where there is no rollout. */
  reportable(): Reportable | undefined {
    const { consumer, crypto } = this.#settings
    const record = this.#seen?.record
    if (consumer === undefined || record?.rollout === undefined) return undefined
    const { number, root, why } = resolveAlias(crypto, record, consumer)
    return { rollout: { id: record.rollout.id, side: why === 'canary' ? 'challenger' : 'champion' }, number, root }
  }

  /** The later of two records; see `Later`. */
  async later(a: Uint8Array | undefined, b: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const [first, second] = await Promise.all([a, b].map((one) => this.#sequenceOf(one)))
    return (first ?? 0) > (second ?? 0) ? a : b
  }

  async #sequenceOf(envelope: Uint8Array | undefined): Promise<number> {
    if (envelope === undefined) return 0
    return this.#read(envelope).then(
      ({ record }) => record.sequence,
      () => 0,
    )
  }

  async #read(envelope: Uint8Array): Promise<SeenAliasRecord> {
    const { crypto, key } = this.#settings
    const payload = await verifyDsse(parseDsse(envelope), ALIAS_PAYLOAD_TYPE, (message, signature) =>
      crypto.verify(key, message, signature),
    )
    const seen = readAliasRecord(crypto, payload)
    if (seen.record.model === this.#model && seen.record.alias === this.#alias) return seen
    throw new ParleyError('verify.failed', `this is a record of ${seen.record.model}@${seen.record.alias}`, {
      details: { refusal: 'another-alias' },
    })
  }
}
