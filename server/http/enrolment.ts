import type { FastifyInstance } from 'fastify'
import { Throttle } from '../../core/audit/throttle.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { invitationCode } from '../../core/enrolment/invitation.ts'
import { fingerprintOf } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { durationMs } from '../../core/plan/duration.ts'
import type { Addresses } from '../enrolment/addresses.ts'
import type { Act, Enrolment } from '../enrolment/enrolment.ts'
import { revokeAll } from '../enrolment/revoke-all.ts'
import type { EnrolmentRecord } from '../store/enrolment-ports.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { enrolmentBodies } from './enrolment-bodies.ts'
import { nameOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { twoPeople, waiting } from './two-people.ts'

type Reasoned = { readonly reason: string }

export type EnrolmentHttp = { readonly enrolment: Enrolment; readonly addresses: () => Addresses }

/** Requests of clients that are not known yet have at most so many bytes. */
const REQUEST_BYTES = 16 * 1024
const DSSE = 'application/vnd.dsse.envelope.v1+json'

/** How clients become part of the federation: their own requests, which their signatures let in, and what operators decide. */
export function enrolmentRoutes(root: FastifyInstance, deps: HttpDeps, { enrolment, addresses }: EnrolmentHttp): void {
  const { clock, logger, publicKey, store } = deps
  root.get('/v1/authority', async (_request, reply) =>
    reply.type('application/x-pem-file').send(enrolment.authority.certificate),
  )

  const strangers = new Strangers()
  void root.register((app, _options, done) => {
    app.removeAllContentTypeParsers()
    const options = { parseAs: 'buffer', bodyLimit: REQUEST_BYTES } as const
    app.addContentTypeParser(DSSE, options, async (_request: unknown, body: Buffer) => body)
    const bytesOf = (body: unknown): Uint8Array => {
      if (body instanceof Uint8Array) return body
      throw new ParleyError('request.invalid', `the body is a DSSE envelope, as ${DSSE}`)
    }
    app.post('/v1/enrolments', async ({ body, ip }) => {
      strangers.admit(ip, clock.now())
      return enrolment.request(bytesOf(body))
    })
    // Who has no key of the federation gets as far as one signature: nobody can keep clients from renewing.
    app.post('/v1/enrolments/renewals', async ({ body }) => enrolment.renew(bytesOf(body)))
    done()
  })

  root.get('/v1/clients', async () => {
    const seen = new Map((await store.records.clients()).map((one) => [one.id, one.lastSeenAt]))
    return { clients: enrolment.list().map((record) => shown(record, seen.get(record.client))) }
  })

  root.post('/v1/clients', async (request, reply) => {
    const { client, label: name, lifetime } = bodyOf(enrolmentBodies.invite, request.body)
    const invited = await enrolment.invite(client, {
      actor: callerOf(request).id,
      lifetimeMs: durationMs(lifetime),
      ...(name === undefined ? {} : { label: name }),
    })
    const { http, carriers } = addresses()
    const authority = http.startsWith('https:') ? enrolment.authority.fingerprint : null
    const code = invitationCode({
      client,
      coordinator: toHex(publicKey),
      http,
      carriers: [...carriers],
      authority,
      secret: invited.secret,
    })
    logger.info({ client, expiresAt: invited.expiresAt, actor: callerOf(request).id }, 'a client was invited')
    return reply.code(201).send({ client, code, authority, expiresAt: invited.expiresAt })
  })

  root.post('/v1/clients/:id/approve', async (request) => {
    const { fingerprint } = bodyOf(enrolmentBodies.approve, request.body)
    return shown(await enrolment.approve(nameOf(request.params, 'id'), fingerprint, { actor: callerOf(request).id }))
  })
  const change = async (verb: 'refuse' | 'suspend' | 'revoke', client: string, act: Act) => {
    const record = await enrolment[verb](client, act)
    logger.info({ client, state: record.state, ...act }, 'the state of a client was changed')
    return shown(record)
  }
  for (const verb of ['refuse', 'suspend'] as const) {
    root.post(`/v1/clients/:id/${verb}`, async (request) => {
      const act = { actor: callerOf(request).id, ...bodyOf(enrolmentBodies.because, request.body) }
      return change(verb, nameOf(request.params, 'id'), act)
    })
  }
  const revoke = twoPeople<Reasoned & { readonly client: string }>(deps.people, {
    name: 'client.revoke',
    permission: 'client.write',
    confirmedBy: ['client.write'],
    perform: ({ client, reason }, by) => change('revoke', client, { actor: by.id, reason }),
  })
  root.post('/v1/clients/:id/revoke', async (request, reply) => {
    const { reason } = bodyOf(enrolmentBodies.because, request.body)
    const answer = await revoke(callerOf(request), { client: nameOf(request.params, 'id'), reason })
    return 'request' in answer ? waiting(reply, answer.request) : answer.done
  })
  const revokeEverybody = twoPeople<Reasoned>(deps.people, {
    name: 'client.revoke-all',
    permission: 'client.write',
    confirmedBy: ['client.write'],
    perform: async ({ reason }, by) => {
      const revoked = await revokeAll(enrolment, { actor: by.id, reason })
      logger.warn({ revoked: revoked.length, reason, actor: by.id }, 'all clients were revoked')
      return { revoked }
    },
  })
  root.post('/v1/clients/revoke-all', async (request, reply) => {
    const answer = await revokeEverybody(callerOf(request), bodyOf(enrolmentBodies.because, request.body))
    return 'request' in answer ? waiting(reply, answer.request) : answer.done
  })
  root.post('/v1/clients/:id/resume', async (request) =>
    shown(await enrolment.resume(nameOf(request.params, 'id'), { actor: callerOf(request).id })),
  )
  root.post('/v1/clients/:id/rename', async (request) =>
    shown(
      await enrolment.rename(nameOf(request.params, 'id'), {
        ...bodyOf(enrolmentBodies.rename, request.body),
        actor: callerOf(request).id,
      }),
    ),
  )
}

/** Addresses that are told apart; beyond that all begin anew. */
const MOST_ADDRESSES = 10_000

/** Counts requests of those who are not known yet, by address, so that one of them does not use up what others may ask. */
class Strangers {
  #throttle = new Throttle()
  readonly #addresses = new Set<string>()

  /** Throws `enrolment.too-often`. */
  admit(address: string, now: number): void {
    if (this.#addresses.size >= MOST_ADDRESSES) {
      this.#addresses.clear()
      this.#throttle = new Throttle()
    }
    this.#addresses.add(address)
    if (this.#throttle.take(address, now) === undefined) throw new ParleyError('enrolment.too-often')
  }
}

/** A client as people see it: no code, no request. */
function shown(record: EnrolmentRecord, lastSeenAt?: string) {
  const { client, label: name, state, since, actor, reason: why, publicKey, invitation, certificate } = record
  const key = publicKey === undefined ? undefined : fromHex(publicKey)
  return {
    client,
    label: name,
    state,
    since,
    actor,
    reason: why,
    ...(key === undefined ? {} : { fingerprint: fingerprintOf(nodeCrypto, key), publicKey }),
    ...(state === 'invited' && invitation !== undefined ? { invitedUntil: invitation.expiresAt } : {}),
    ...(certificate === undefined ? {} : { certificateUntil: certificate.notAfter, serial: certificate.serial }),
    ...(lastSeenAt === undefined ? {} : { lastSeenAt }),
  }
}
