import type { FastifyInstance } from 'fastify'
import type { AuditSink } from '../../core/audit/sink.ts'
import { actorOf } from '../members/acts.ts'
import { callerOf } from './auth.ts'
import { backupBody } from './backup-body.ts'
import { bodyOf } from './body.ts'

/** Records backups before whoever makes them gives them their names. */
export function backupRoutes(root: FastifyInstance, audit: Pick<AuditSink, 'append'>): void {
  root.post('/v1/backups', async (request) => {
    const { sha256, ...details } = bodyOf(backupBody, request.body)
    const actor = actorOf(callerOf(request))
    const object = { kind: 'backup', id: sha256 }
    return { recorded: await audit.append({ action: 'backup.create', actor, object, details }) }
  })
}
