import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { idField } from '../../core/run/fields.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import { actorOf } from '../members/acts.ts'
import type { ReadableAudit } from './audit.ts'
import { callerOf } from './auth.ts'
import { type EvidenceRequest, exportEvidence } from './evidence-bundle.ts'
import type { HttpDeps } from './options.ts'

/** So many versions may be named one by one. */
const MOST_VERSIONS = 100

const versionField = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}\/[1-9]\d{0,14}$/, 'NAME/NUMBER')
  .transform((text) => {
    const at = text.lastIndexOf('/')
    return { model: text.slice(0, at), number: Number(text.slice(at + 1)) }
  })

const querySchema = z
  .strictObject({
    version: z.union([versionField.transform((one) => [one]), z.array(versionField).max(MOST_VERSIONS)]).default([]),
    all: z.literal('true').optional(),
    client: idField.optional(),
  })
  .refine(({ version, all }) => all === undefined || version.length === 0, { message: 'all, or single versions' })

/** The log with versions for auditors, who need nothing of the coordinator to check them. */
export function evidenceRoutes(app: FastifyInstance, deps: HttpDeps, audit: ReadableAudit): void {
  const { registry, store, api, publicKey, parleyVersion, clock, limits } = deps
  const evidenceDeps = {
    crypto: nodeCrypto,
    audit,
    registry,
    store,
    api,
    publicKey,
    parleyVersion,
    now: () => clock.now(),
  }
  app.get('/v1/evidence', { exposeHeadRoute: false }, async (request, reply) => {
    const asked = requestOf(request.query)
    const pieces = await exportEvidence(evidenceDeps, asked, actorOf(callerOf(request)))
    // Somebody who asks for a bundle and does not read it would hold it open for ever.
    reply.raw.setTimeout(limits.stallMs, () => reply.raw.destroy())
    return reply
      .type('application/x-tar')
      .header('content-disposition', 'attachment; filename="evidence.tar"')
      .send(Readable.from(pieces, { objectMode: false, highWaterMark: SEGMENT_BYTES }))
  })
}

function requestOf(query: unknown): EvidenceRequest {
  const parsed = querySchema.safeParse(query)
  if (!parsed.success) {
    throw new ParleyError('request.invalid', `version (NAME/NUMBER, at most ${MOST_VERSIONS}), or all=true; client`)
  }
  const { version, all, client } = parsed.data
  return { versions: all === 'true' ? 'all' : version, client }
}
