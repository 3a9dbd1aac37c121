import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type FastifyInstance, fastify } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import { countAuthRefusal } from '../observe/observer.ts'
import { alertRoutes } from './alerts.ts'
import { auditRefusals, auditRoutes } from './audit.ts'
import { guard } from './auth.ts'
import { crossOriginReading } from './cross-origin.ts'
import { enrolmentRoutes } from './enrolment.ts'
import { evidenceRoutes } from './evidence.ts'
import { answerBrokenRequest, answerFailure } from './failures.ts'
import { followingRoutes } from './following.ts'
import { healthRoutes } from './health.ts'
import { memberRoutes } from './members.ts'
import { modelRoutes } from './models.ts'
import { openApiDocument } from './openapi.ts'
import { checkOptions, type HttpOptions, type HttpServer, REQUEST_HEAD_BYTES, type ServedRoute } from './options.ts'
import { outcomesRoutes } from './outcomes.ts'
import { registryRoutes } from './registry.ts'
import { requestRoutes } from './requests.ts'
import { runRoutes } from './runs.ts'
import { sessionRoutes } from './sessions.ts'
import { dashboardRoutes } from './static.ts'
import { tokenRoutes } from './tokens.ts'

/** Of all answers but the dashboard's page: whatever a browser is made to load from here, it must not run or frame it. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/**
 * The HTTP API: health, metrics, published models for everybody, the rest for who has the permission that the table of operations names. Throws
 * `config.insecure` for clear text beyond the loopback interface that was not asked for in so many words.
 */
export function createHttpServer(options: HttpOptions): HttpServer {
  checkOptions(options)
  const { host = '127.0.0.1', port, clock, logger, stopMs = 1_000 } = options
  const server = plainServer(options)
  const sockets = trackSockets(server)
  const streams = new Set<AbortController>()
  const followers = new Set<AbortController>()
  const { app, routes } = createApp(options, server, streams, followers)
  let stopped: Promise<void> | undefined

  async function stop(): Promise<void> {
    for (const stream of [...streams, ...followers]) stream.abort()
    const cancel = clock.after(stopMs, () => {
      for (const socket of sockets) socket.destroy()
    })
    await app.close()
    cancel()
  }

  return {
    get url() {
      return urlOf(server, options.tls !== undefined)
    },
    server,
    routes,
    renewTls: ({ cert, key }) => {
      if ('setSecureContext' in server) (server as TlsServer).setSecureContext({ cert, key, minVersion: 'TLSv1.2' })
    },
    async start() {
      if (options.tls === undefined && options.allowClearTextBeyondLoopback === true) {
        logger.warn({ host }, 'HTTP is served without TLS')
      }
      try {
        await app.listen({ host, port })
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new ParleyError('config.invalid', `cannot listen on ${host}:${port}: ${reason}`, { cause })
      }
      logger.info({ url: urlOf(server, options.tls !== undefined) }, 'HTTP is served')
    },
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}

function plainServer({ tls, limits }: HttpOptions): Server {
  const common = {
    maxHeaderSize: REQUEST_HEAD_BYTES,
    // Node wants the time for the headers within the time for the request.
    headersTimeout: Math.min(limits.handshakeMs, limits.stallMs),
    requestTimeout: limits.stallMs,
    connectionsCheckingInterval: 1_000,
  }
  const server =
    tls === undefined ? createServer(common) : createTlsServer({ ...common, ...tls, minVersion: 'TLSv1.2' })
  server.maxConnections = limits.connections
  return server
}

function createApp(
  options: HttpOptions,
  server: Server,
  streams: Set<AbortController>,
  followers: Set<AbortController>,
): { readonly app: FastifyInstance; readonly routes: readonly ServedRoute[] } {
  const { limits, logger, metrics, tls } = options
  const app = fastify({
    logger: false,
    bodyLimit: limits.requestBytes,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => server.on('request', handler),
    clientErrorHandler: (failure, socket) => answerBrokenRequest(failure, socket),
    frameworkErrors: (failure, request, reply) => answerFailure(failure, request, reply, logger),
  })
  app.setErrorHandler((failure, request, reply) => {
    countAuthRefusal(metrics, 'http', failure)
    answerFailure(failure, request, reply, logger)
  })
  app.setNotFoundHandler(() => {
    throw new ParleyError('object.not-found', 'there is nothing at this address')
  })
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(securityHeaders)
    if (tls !== undefined) void reply.header('strict-transport-security', 'max-age=31536000')
  })
  app.addHook('onResponse', async ({ method, headers }, reply) => {
    metrics.add('httpRequests', { method, status: `${Math.floor(reply.statusCode / 100)}xx` })
    metrics.add('bytes', { direction: 'in', carrier: 'http' }, lengthOf(headers['content-length']))
    metrics.add('bytes', { direction: 'out', carrier: 'http' }, lengthOf(reply.getHeader('content-length')))
  })
  crossOriginReading(app, options.consumerOrigins ?? [])
  guard(app, options)
  const routes: ServedRoute[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, path: url })
  })
  const { audit } = options
  if (audit !== undefined) {
    auditRefusals(app, options, audit)
    auditRoutes(app, audit)
    evidenceRoutes(app, options, audit)
  }
  healthRoutes(app, options)
  if (options.alerts !== undefined) alertRoutes(app, options.alerts)
  modelRoutes(app, options)
  followingRoutes(app, options, followers)
  registryRoutes(app, options)
  if (options.rollouts !== undefined) outcomesRoutes(app, options, options.rollouts)
  runRoutes(app, options, streams)
  if (options.people !== undefined) {
    sessionRoutes(app, options, options.people)
    memberRoutes(app, options.people)
    tokenRoutes(app, options.people)
    requestRoutes(app, options.people)
  }
  if (options.enrolment !== undefined) enrolmentRoutes(app, options, options.enrolment)
  dashboardRoutes(app, options.dashboard)
  const document = openApiDocument(options.parleyVersion)
  app.get('/v1/openapi.json', async () => document)
  return { app, routes }
}

/** The promised length of a body; 0 where it is not known beforehand. */
function lengthOf(header: unknown): number {
  const length = Number(header ?? 0)
  return Number.isSafeInteger(length) && length > 0 ? length : 0
}

/** Open sockets, those of upgraded connections included, which the server itself forgets. */
function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return sockets
}

function urlOf(server: Server, secure: boolean): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new ParleyError('internal', 'the server does not listen')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `${secure ? 'https' : 'http'}://${host}:${address.port}`
}
