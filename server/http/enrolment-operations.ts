import { z } from 'zod'
import { enrolmentBodies } from './enrolment-bodies.ts'
import type { Operation } from './operations.ts'

const json = (schema?: z.ZodType) => ({ type: 'application/json', ...(schema === undefined ? {} : { schema }) })
const dsse = { type: 'application/vnd.dsse.envelope.v1+json', schema: 'DsseEnvelope' }
const client = '/v1/clients/:id'

const act = (verb: string, summary: string, schema: z.ZodType): Operation => ({
  method: 'POST',
  path: `${client}/${verb}`,
  summary,
  access: 'client.write',
  request: json(schema),
  answer: json(),
})

/** How clients become part of a federation. */
export const enrolmentOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/authority',
    summary: 'the certificate of the federation’s authority',
    access: 'public',
    answer: { type: 'application/x-pem-file' },
  },
  {
    method: 'POST',
    path: '/v1/enrolments',
    summary: 'ask to be enrolled, with the code of an invitation; signed by the client’s own key',
    access: 'public',
    request: dsse,
    answer: json(),
  },
  {
    method: 'POST',
    path: '/v1/enrolments/renewals',
    summary: 'ask for a new certificate; signed by the client’s own key',
    access: 'public',
    request: dsse,
    answer: json(),
  },
  { method: 'GET', path: '/v1/clients', summary: 'all clients', access: 'client.read', answer: json() },
  {
    method: 'POST',
    path: '/v1/clients',
    summary: 'invite a client: a code that is good once',
    access: 'client.write',
    request: json(enrolmentBodies.invite),
    answer: json(
      z.object({ client: z.string(), code: z.string(), authority: z.string().nullable(), expiresAt: z.string() }),
    ),
    status: 201,
  },
  act(
    'approve',
    'let a client in whose fingerprint was compared; or let it renew a certificate that has ended',
    enrolmentBodies.approve,
  ),
  act('refuse', 'do not let a client in', enrolmentBodies.because),
  act('suspend', 'keep a client out until it is let in again', enrolmentBodies.because),
  act('resume', 'let a suspended client in again', enrolmentBodies.resume),
  act('revoke', 'keep a client and its key out for ever', enrolmentBodies.because),
  {
    method: 'POST',
    path: '/v1/clients/revoke-all',
    summary: 'keep all clients and their keys out for ever; 202 where a second person must confirm it',
    access: 'client.write',
    request: json(enrolmentBodies.because),
    answer: json(z.object({ revoked: z.array(z.string()) })),
  },
  act('rename', 'change what people call a client', enrolmentBodies.rename),
]
