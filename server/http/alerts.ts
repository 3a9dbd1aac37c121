import type { FastifyInstance } from 'fastify'
import type { AlertsView } from '../observe/alerts/alert.ts'

/** What fires now, and what did lately. */
export function alertRoutes(root: FastifyInstance, alerts: { view(): AlertsView }): void {
  root.get('/v1/alerts', async () => alerts.view())
}
