/** A server with members, a clock of the test's, and browsers and programs that ask it. */
import { expect } from 'vitest'
import type { Act } from '../../server/members/acts.ts'
import type { PeopleOptions } from '../../server/members/people.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { addMember, PASSWORD, peopleOf, type TestMember } from '../support/people.ts'
import { running } from './http-fixtures.ts'

export const MINUTE = 60_000
export const DAY = 24 * 60 * MINUTE

export async function setUp(options: PeopleOptions = {}, http: object = {}) {
  const store = memoryStore()
  const clock = new ManualClock()
  const acts: Act[] = []
  const people = peopleOf(store, { clock, acts, ...options })
  const server = await running({ store, people, clock, ...http })

  /** A browser on a page of the coordinator. */
  function browser(cookie?: string) {
    let own = cookie
    const send = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          origin: server.url,
          'x-parley-request': '1',
          ...(own === undefined ? {} : { cookie: own }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const set = response.headers.get('set-cookie')
      if (set !== null) own = set.split(';')[0]!
      return response
    }
    return { send, cookie: () => own }
  }

  const logIn = async (member: TestMember, later = 0) => {
    const one = browser()
    const code = member.code(later)
    const response = await one.send('POST', '/v1/session', { name: member.record.name, password: PASSWORD, code })
    expect(response.status).toBe(200)
    return one
  }
  const with_ = (token: string) => (method: string, path: string, body?: object) =>
    fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const add = (roles: readonly string[]) => addMember(store, clock, roles)
  return { store, clock, acts, server, browser, logIn, with_, add }
}
