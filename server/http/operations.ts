import { z } from 'zod'
import type { Permission } from '../members/permissions.ts'
import { backupBody } from './backup-body.ts'
import { enrolmentOperations } from './enrolment-operations.ts'
import { peopleOperations } from './people-operations.ts'
import { registryBodies, rolloutBodies } from './registry-bodies.ts'

/** Whether everybody may ask, or who has a permission. */
export type Access = 'public' | Permission

export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As the router has it: `:name` for a part, `*` for the rest. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  readonly query?: readonly string[]
  /** A schema, or the name of one that the document has under `components`. */
  readonly request?: { readonly type: string; readonly schema?: z.ZodType | string }
  readonly answer: { readonly type: string; readonly schema?: z.ZodType | string }
  readonly status?: number
}

const json = (schema?: z.ZodType | string) => ({
  type: 'application/json',
  ...(schema === undefined ? {} : { schema }),
})
const text = { type: 'text/plain' }
const stream = { type: 'text/event-stream' }
const dsse = { type: 'application/vnd.dsse.envelope.v1+json', schema: 'DsseEnvelope' }
const model = '/v1/models/:model'
const version = `${model}/versions/:number`
const run = '/v1/runs/:id'

const resolved = z.object({
  number: z.number().int(),
  root: z.string(),
  why: z.enum(['stable', 'canary']),
  sequence: z.number().int(),
  notAfter: z.string(),
})

/** Every operation of the HTTP API. A test compares it with what is served. */
export const operations: readonly Operation[] = [
  { method: 'GET', path: '/healthz', summary: 'the process lives', access: 'public', answer: json() },
  { method: 'GET', path: '/readyz', summary: 'it takes work', access: 'public', answer: json() },
  { method: 'GET', path: '/metrics', summary: 'metrics for Prometheus', access: 'public', answer: text },
  { method: 'GET', path: '/v1/openapi.json', summary: 'this document', access: 'public', answer: json() },

  {
    method: 'GET',
    path: '/v1/key',
    summary: 'the coordinator’s Ed25519 key, to compare with the one that was pinned',
    access: 'public',
    answer: json(z.object({ publicKey: z.string() })),
  },
  { method: 'GET', path: '/', summary: 'the dashboard', access: 'public', answer: { type: 'text/html' } },
  {
    method: 'GET',
    path: '/assets/:file',
    summary: 'a file of the dashboard',
    access: 'public',
    answer: { type: 'application/octet-stream' },
  },

  { method: 'GET', path: '/v1/models', summary: 'models that have versions', access: 'public', answer: json() },
  {
    method: 'GET',
    path: model,
    summary: 'versions, aliases, their history and states',
    access: 'public',
    answer: json(),
  },
  {
    method: 'GET',
    path: `${model}/aliases/:alias`,
    summary: 'where an alias points',
    access: 'public',
    answer: json(),
  },
  {
    method: 'GET',
    path: `${model}/aliases/:alias/record`,
    summary: 'the signed record of an alias’s newest move; its payload is an AliasRecord',
    access: 'public',
    answer: json('DsseEnvelope'),
  },
  {
    method: 'GET',
    path: `${model}/resolve`,
    summary: 'which version a consumer gets, for who does not verify by itself',
    access: 'public',
    query: ['alias', 'consumer'],
    answer: json(resolved),
  },
  {
    method: 'GET',
    path: `${model}/withdrawn`,
    summary: 'numbers of withdrawn versions',
    access: 'public',
    answer: json(z.object({ numbers: z.array(z.number().int()) })),
  },
  {
    method: 'GET',
    path: `${model}/events`,
    summary: 'events `alias` (data: DSSE of an AliasRecord) and `withdrawn`, the present ones first',
    access: 'public',
    answer: stream,
  },
  { method: 'GET', path: version, summary: 'the manifest of a version', access: 'public', answer: json('Manifest') },
  {
    method: 'GET',
    path: `${version}/envelope`,
    summary: 'the signed manifest',
    access: 'public',
    answer: json('DsseEnvelope'),
  },
  {
    method: 'GET',
    path: `${version}/files/*`,
    summary: 'a file of a version; takes Range, and answers If-None-Match with 304',
    access: 'public',
    answer: { type: 'application/octet-stream' },
  },

  {
    method: 'POST',
    path: `${model}/aliases/:alias`,
    summary: 'move an alias, or split it; 202 where a second person must confirm it',
    access: 'alias.move',
    request: json(registryBodies.promote),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${model}/aliases/:alias/rollback`,
    summary: 'move an alias back',
    access: 'alias.move',
    request: json(registryBodies.rollback),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${version}/state`,
    summary: 'deprecate, withdraw or restore a version',
    access: 'version.state',
    request: json(registryBodies.state),
    answer: json(),
  },
  {
    method: 'GET',
    path: `${version}/tags`,
    summary: 'tags of a version, and who changed them when, the newest 1,000 changes',
    access: 'public',
    answer: json(),
  },
  {
    method: 'GET',
    path: '/v1/tags',
    summary: 'tags of all versions, at most 1,000, by key and value',
    access: 'public',
    query: ['key', 'value'],
    answer: json(),
  },
  {
    method: 'POST',
    path: `${version}/tags`,
    summary: 'set a tag of a version, or take it away (`value` null)',
    access: 'version.tag',
    request: json(registryBodies.tag),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${version}/approvals`,
    summary: 'approve a version: an in-toto simple verification result by a listed member',
    access: 'version.approve',
    request: dsse,
    answer: json(),
  },
  {
    method: 'POST',
    path: `${model}/outcomes`,
    summary: 'report what came of versions in use: counts, signed by a listed consumer',
    access: 'public',
    request: dsse,
    answer: json(),
  },
  {
    method: 'GET',
    path: `${model}/rollout`,
    summary: 'both sides of a split, what is decided of it, and why',
    access: 'release.read',
    query: ['alias'],
    answer: json(),
  },
  {
    method: 'POST',
    path: `${model}/rollout`,
    summary: 'do what is decided of a split',
    access: 'alias.move',
    request: json(rolloutBodies.apply),
    answer: json(),
  },
  {
    method: 'GET',
    path: `${version}/approvals`,
    summary: 'approvals of a version',
    access: 'release.read',
    answer: json(),
  },
  {
    method: 'GET',
    path: `${model}/candidates`,
    summary: 'results of runs before their gates',
    access: 'release.read',
    answer: json(),
  },

  {
    method: 'POST',
    path: '/v1/garbage',
    summary: 'remove what no version, candidate or newer run needs',
    access: 'garbage.collect',
    request: json(registryBodies.garbage),
    answer: json(),
  },

  {
    method: 'POST',
    path: '/v1/backups',
    summary: 'record that a backup of the coordinator’s folder was made',
    access: 'backup.record',
    request: json(backupBody),
    answer: json(z.object({ recorded: z.number().int() })),
  },

  {
    method: 'GET',
    path: '/v1/audit',
    summary:
      'lines of the audit log from a record on, or the last ones; the header `x-parley-from` says which is the first. That it was read is recorded',
    access: 'audit.read',
    query: ['from', 'limit', 'last'],
    answer: { type: 'application/x-ndjson' },
  },
  {
    method: 'GET',
    path: '/v1/audit/key',
    summary: 'whose audit log it is, and the Ed25519 key of its checkpoints',
    access: 'public',
    answer: json(z.object({ federation: z.string(), publicKey: z.string() })),
  },

  {
    method: 'GET',
    path: '/v1/evidence',
    summary: 'the audit log with versions, as a tar file that verifies offline; that it was taken is recorded',
    access: 'evidence.export',
    query: ['version', 'all', 'client'],
    answer: { type: 'application/x-tar' },
  },

  {
    method: 'GET',
    path: '/v1/alerts',
    summary: 'alerts that fire, and the newest 100 that are over',
    access: 'run.read',
    answer: json(),
  },

  {
    method: 'POST',
    path: '/v1/runs',
    summary: 'start a run; 202 where a second person must confirm it',
    access: 'run.start',
    request: { type: 'application/yaml' },
    answer: json(),
    status: 201,
  },
  {
    method: 'POST',
    path: '/v1/runs/dry-run',
    summary:
      'what would become of a plan if it were started now: who could take part, how much is sent, ε; nothing is kept',
    access: 'run.start',
    request: { type: 'application/yaml' },
    answer: json(),
  },
  {
    method: 'GET',
    path: '/v1/runs',
    summary: 'all runs, the newest first, without what each of their rounds was',
    access: 'run.read',
    answer: json(),
  },
  {
    method: 'GET',
    path: '/v1/clients/:id/runs',
    summary: 'the newest 100 runs that a client was asked in, and what was refused of it',
    access: 'run.read',
    answer: json(),
  },
  {
    method: 'GET',
    path: '/v1/runs/events',
    summary: 'all runs as the list has them, then those that have changed, at most once a second',
    access: 'run.read',
    answer: stream,
  },
  { method: 'GET', path: run, summary: 'a run', access: 'run.read', answer: json() },
  {
    method: 'GET',
    path: `${run}/journal`,
    summary: 'how many entries its journal has, and SHA-256 over them',
    access: 'run.read',
    query: ['entries'],
    answer: json(z.object({ entries: z.number().int(), digest: z.string() })),
  },
  {
    method: 'POST',
    path: `${run}/pause`,
    summary: 'open no further round of a run',
    access: 'run.pause',
    request: json(z.strictObject({ reason: z.string() })),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${run}/resume`,
    summary: 'let a paused run go on',
    access: 'run.pause',
    request: json(z.strictObject({ reason: z.string() })),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${run}/stop`,
    summary: 'stop a run',
    access: 'run.stop',
    request: json(z.strictObject({ reason: z.string() })),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${run}/rounds/:round/recompute`,
    summary: 'compute a round again; nothing of it is kept',
    access: 'run.recompute',
    request: json(z.looseObject({})),
    answer: json(),
  },
  { method: 'GET', path: `${run}/events`, summary: 'a run as it goes on', access: 'run.read', answer: stream },

  ...enrolmentOperations,
  ...peopleOperations,
]
