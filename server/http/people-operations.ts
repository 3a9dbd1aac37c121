import { z } from 'zod'
import type { Operation } from './operations.ts'
import { peopleBodies } from './people-bodies.ts'

const json = (schema?: z.ZodType | string) => ({
  type: 'application/json',
  ...(schema === undefined ? {} : { schema }),
})
const empty = json(z.strictObject({}))
const member = '/v1/members/:id'
const request = '/v1/requests/:id'

/** Operations about people: sessions, members, tokens, requests that wait for a second person. */
export const peopleOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/session',
    summary: 'log in with password and, where there is a second factor, its code or a recovery code; sets a cookie',
    access: 'public',
    request: json(peopleBodies.login),
    answer: json(),
  },
  { method: 'GET', path: '/v1/session', summary: 'who am I, and what may I', access: 'self.read', answer: json() },
  { method: 'DELETE', path: '/v1/session', summary: 'log out', access: 'self.write', answer: json(), status: 204 },
  {
    method: 'DELETE',
    path: '/v1/sessions',
    summary: 'log out everywhere',
    access: 'self.write',
    answer: json(),
    status: 204,
  },
  {
    method: 'POST',
    path: '/v1/session/password',
    summary: 'set another password; ends all other sessions',
    access: 'self.write',
    request: json(peopleBodies.password),
    answer: json(),
  },
  {
    method: 'POST',
    path: '/v1/session/second-factor',
    summary: 'begin a new second factor: its otpauth URI',
    access: 'self.write',
    request: json(peopleBodies.beginSecondFactor),
    answer: json(z.object({ uri: z.string() })),
  },
  {
    method: 'POST',
    path: '/v1/session/second-factor/confirm',
    summary: 'prove the new second factor; gives ten recovery codes, and ends all other sessions',
    access: 'self.write',
    request: json(peopleBodies.confirmSecondFactor),
    answer: json(),
  },

  {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'a new token of one’s own',
    access: 'token.create',
    request: json(peopleBodies.token),
    answer: json(),
    status: 201,
  },
  { method: 'GET', path: '/v1/tokens', summary: 'own tokens', access: 'self.read', answer: json() },
  {
    method: 'DELETE',
    path: '/v1/tokens/:token',
    summary: 'end a token of one’s own',
    access: 'self.write',
    answer: json(),
  },

  { method: 'GET', path: '/v1/members', summary: 'all members, by name', access: 'member.read', answer: json() },
  {
    method: 'POST',
    path: '/v1/members',
    summary: 'add a member; gives a password for the first login',
    access: 'member.write',
    request: json(peopleBodies.member),
    answer: json(),
    status: 201,
  },
  { method: 'GET', path: member, summary: 'a member', access: 'member.read', answer: json() },
  {
    method: 'PUT',
    path: `${member}/roles/:role`,
    summary: 'give a role, or another end to it; 202 where a second person must confirm it',
    access: 'member.write',
    request: json(peopleBodies.grant),
    answer: json(),
  },
  {
    method: 'DELETE',
    path: `${member}/roles/:role`,
    summary: 'take a role away',
    access: 'member.write',
    answer: json(),
  },
  {
    method: 'POST',
    path: `${member}/disable`,
    summary: 'let a member do nothing any more, from now on',
    access: 'member.write',
    request: empty,
    answer: json(),
  },
  {
    method: 'POST',
    path: `${member}/enable`,
    summary: 'let a disabled member in again',
    access: 'member.write',
    request: empty,
    answer: json(),
  },
  {
    method: 'POST',
    path: `${member}/reset-password`,
    summary: 'a new password for a first login',
    access: 'member.write',
    request: empty,
    answer: json(),
  },
  {
    method: 'POST',
    path: `${member}/reset-second-factor`,
    summary: 'let a member set up another second factor',
    access: 'member.write',
    request: empty,
    answer: json(),
  },
  {
    method: 'GET',
    path: `${member}/tokens`,
    summary: 'tokens of a member',
    access: 'member.read',
    answer: json(),
  },
  {
    method: 'DELETE',
    path: `${member}/tokens/:token`,
    summary: 'end a token of a member',
    access: 'member.write',
    answer: json(),
  },

  {
    method: 'GET',
    path: '/v1/requests',
    summary: 'what waits, or waited, for a second person, the newest first',
    access: 'request.read',
    answer: json(),
  },
  { method: 'GET', path: request, summary: 'a request', access: 'request.read', answer: json() },
  {
    method: 'POST',
    path: `${request}/confirm`,
    summary: 'confirm a request of somebody else, which is then done; `digest` is the one that was looked at',
    access: 'request.decide',
    request: json(peopleBodies.confirm),
    answer: json(),
  },
  {
    method: 'POST',
    path: `${request}/refuse`,
    summary: 'end a request without doing it',
    access: 'request.decide',
    request: empty,
    answer: json(),
  },
]
