import { localSteps } from '../../core/aggregation/local-steps.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { type Opener, SEALED_SEGMENT_BYTES } from '../../core/crypto/seal.ts'
import { float32View } from '../../core/encoding/bytes.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { Block } from '../../kernels/index.ts'
import type { UpdateRow, VectorRow } from '../aggregation/update-row.ts'
import type { BlobStore } from '../store/ports.ts'
import { openerOf } from './opener.ts'
import type { RoundKeys } from './round-keys.ts'
import type { AcceptedUpdate } from './state.ts'
import { readSegment } from './upload.ts'

export type UpdateRowDeps = {
  readonly crypto: Crypto
  readonly spool: Pick<BlobStore, 'read' | 'givesViews'>
  readonly roundKeys: RoundKeys
}

/** What is left of the receiving of an update: its memory, and what opened it. */
export type Received = { readonly resident?: Block | undefined; readonly opener?: Opener }

/** The values of an accepted update: from memory where it is `resident`, else from the spool. */
export function receivedRow(
  deps: UpdateRowDeps,
  parameters: number,
  { client, header }: Pick<AcceptedUpdate, 'client' | 'header'>,
  { resident, opener }: Received = {},
): VectorRow {
  // A key agreement each: after a restart it is made for those only that are read.
  let segments = opener
  let scratch: Uint8Array | undefined
  return {
    tile: async (index) => {
      if (deps.spool.givesViews !== true) scratch ??= new Uint8Array(Math.min(SEALED_SEGMENT_BYTES, header.bytes))
      segments ??= openerOf(deps, client, header, 4 * parameters)
      return float32View(await readSegment(deps.spool, header.sha256, 4 * parameters, segments, index, scratch))
    },
    ...(resident === undefined ? {} : { resident }),
  }
}

/** An accepted update as a row of the round's matrix. */
export function updateRowOf(plan: Plan, { client, header, norm }: AcceptedUpdate, values: VectorRow): UpdateRow {
  return {
    client,
    digest: header.sha256,
    samples: header.samples,
    steps: localSteps(plan.training, header.samples),
    norm,
    ...values,
  }
}
