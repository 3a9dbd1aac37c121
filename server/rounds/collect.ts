import { type Envelope, payloadTypes, verifyEnvelope } from '../../core/crypto/envelope.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parsePayload } from '../../core/run/payload.ts'
import { type UpdateHeader, updateHeaderSchema } from '../../core/run/update-header.ts'
import { updateScreen, vectorScreen } from '../aggregation/screen.ts'
import type { BlobStore } from '../store/ports.ts'
import type { ActiveRun, FindRun } from './active-run.ts'
import type { Answer, Upload } from './desk.ts'
import type { Matrices } from './matrices.ts'
import { openerOf } from './opener.ts'
import type { RoundKeys } from './round-keys.ts'
import type { Run } from './run.ts'
import { receivedRow } from './update-rows.ts'
import { UpdateSpool } from './upload.ts'
import { admitUpdate, plainBytesOf } from './upload-admission.ts'

export type CollectDeps = {
  readonly crypto: Crypto
  readonly spool: BlobStore
  readonly roundKeys: RoundKeys
  readonly now: () => number
  readonly maxPayloadBytes: number
  readonly find: FindRun
  readonly matrices: Matrices
  /** Told of every decided update, for metrics and progress. */
  readonly observe: (client: string, answer: Answer, bytes: number) => void
  readonly progress: (client: string, run: string, bytes: number) => void
}

/** Takes a client's update in: verifies who signed what, admits it, spools it, and answers once it is in the journal. */
export async function openUpload(
  deps: CollectDeps,
  client: { readonly id: string; readonly publicKey: Uint8Array },
  envelope: Envelope,
): Promise<{ readonly upload: Upload } | { readonly answer: Answer }> {
  verifyEnvelope(deps.crypto, client.publicKey, payloadTypes.update, envelope)
  const header = parsePayload(updateHeaderSchema, envelope, deps.maxPayloadBytes)
  const found = deps.find(header.run)
  const decide = decider(deps, client.id, header, found?.run)
  if (found === undefined) return { answer: await decide(new ParleyError('update.stale', 'there is no such run')) }
  try {
    const admission = admitUpdate(found.run.state, client.id, header, found.plan.aggregation.screens)
    if (admission.kind === 'accepted-before') return { answer: acceptance(header) }
    const spool = await openSpool(deps, client.id, header, found)
    const upload = new AdmittedUpload(deps, { client: client.id, header, envelope, found, spool, decide })
    const answer = await upload.finish()
    return answer === undefined ? { upload } : { answer }
  } catch (refusal) {
    return { answer: await decide(ParleyError.from(refusal)) }
  }
}

function openSpool(deps: CollectDeps, client: string, header: UpdateHeader, found: ActiveRun): Promise<UpdateSpool> {
  const { run, plan } = found
  const { settings } = run.state
  const plainBytes = plainBytesOf(settings)
  const { vector } = header
  return UpdateSpool.open({
    spool: deps.spool,
    digest: header.sha256,
    plainBytes,
    opener: openerOf(deps, client, header, plainBytes),
    ...(settings.masked === undefined
      ? {
          screen: () => updateScreen(plan.aggregation.screens, deps.matrices.kernels, settings.frozen),
          memory: deps.matrices.of(found).reserve(),
        }
      : { screen: () => vectorScreen(deps.crypto, vector ?? '') }),
  })
}

type Decider = (refusal: ParleyError) => Promise<Answer>

/** Refuses: journals the refusal where it concerns an open round, and makes the answer. */
function decider(deps: CollectDeps, client: string, header: UpdateHeader, run: Run | undefined): Decider {
  return async (refusal) => {
    const { code, message } = refusal
    if (run !== undefined) {
      await run.tell({ type: 'update-refused', at: deps.now(), round: header.round, client, code, message })
    }
    const answer: Answer = { ...answerHead(header), accepted: false, code, message }
    deps.observe(client, answer, 0)
    return answer
  }
}

type Admitted = {
  readonly client: string
  readonly header: UpdateHeader
  readonly envelope: Envelope
  readonly found: ActiveRun
  readonly spool: UpdateSpool
  readonly decide: Decider
}

class AdmittedUpload implements Upload {
  readonly digest: Uint8Array
  readonly #deps: CollectDeps
  readonly #admitted: Admitted

  constructor(deps: CollectDeps, admitted: Admitted) {
    this.#deps = deps
    this.#admitted = admitted
    this.digest = fromHex(admitted.header.sha256) ?? new Uint8Array(0)
  }

  get run(): string {
    return this.#admitted.found.run.id
  }

  get offset(): number {
    return this.#admitted.spool.offset
  }

  segment(offset: number, data: Uint8Array): Promise<Answer | undefined> {
    const { spool, header, client } = this.#admitted
    return this.#decideOnFailure(async () => {
      this.#stillOpen()
      await spool.segment(offset, data)
      this.#deps.progress(client, header.run, spool.offset)
      return spool.complete ? this.#accept() : undefined
    })
  }

  /** The answer where every segment was there before; else undefined. */
  async finish(): Promise<Answer | undefined> {
    return this.#admitted.spool.complete ? this.#decideOnFailure(() => this.#accept()) : undefined
  }

  async #decideOnFailure(work: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const { spool } = this.#admitted
    try {
      return await work()
    } catch (failure) {
      const refusal = ParleyError.from(failure)
      // What is the store's trouble is not the client's: the upload stays, and the session ends with the reason.
      if (!isRefusal(refusal)) throw refusal
      await spool.discard()
      return this.#admitted.decide(refusal)
    }
  }

  release(): Promise<void> {
    return this.#admitted.spool.release()
  }

  #stillOpen(): void {
    const { found, header } = this.#admitted
    const { phase, round } = found.run.state
    if (phase !== 'collecting' || round !== header.round) throw new ParleyError('update.late')
  }

  async #accept(): Promise<Answer> {
    const { client, header, envelope, found, spool } = this.#admitted
    const norm = await spool.commit()
    const update = { client, header, norm, signature: toHex(envelope.signature) }
    const { run } = found
    this.#stillOpen()
    const { settings } = run.state
    if (settings.masked === undefined) {
      // First into the matrix: this update may be the one that closes the round.
      const received = { resident: spool.takeMemory()?.block, opener: spool.opener }
      const row = receivedRow(this.#deps, settings.parameters, update, received)
      this.#deps.matrices.of(found).add({ ...row, digest: header.sha256 })
    }
    const taken = await run.tell({ at: this.#deps.now(), round: header.round, type: 'update-accepted', update })
    if (!taken) throw new ParleyError('update.late')
    const answer = acceptance(header)
    this.#deps.observe(client, answer, header.bytes)
    return answer
  }
}

function isRefusal(error: ParleyError): boolean {
  return error.code.startsWith('update.') || error.code.startsWith('upload.')
}

function acceptance(header: UpdateHeader): Answer {
  return { ...answerHead(header), accepted: true }
}

function answerHead(header: UpdateHeader) {
  const { run, round } = header
  return { run, round, kind: 'train', digest: fromHex(header.sha256) ?? new Uint8Array(0) } as const
}
