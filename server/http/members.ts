import type { FastifyInstance } from 'fastify'
import { ParleyError } from '../../core/errors/index.ts'
import type { NewGrant } from '../members/directory.ts'
import type { People } from '../members/people.ts'
import type { Role } from '../members/permissions.ts'
import { callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { nameOf } from './fields.ts'
import { peopleBodies, rolePath } from './people-bodies.ts'
import { waiting } from './two-people.ts'

/** What admins do with members. Rights over people take two of them. */
export function memberRoutes(app: FastifyInstance, people: People): void {
  const { directory, fourEyes } = people

  const grantAdmin = fourEyes.define<{ readonly member: string; readonly until?: string | undefined }>({
    name: 'member.grant-admin',
    permission: 'member.write',
    confirmedBy: ['member.write'],
    concerns: ({ member }) => member,
    perform: ({ member, until }, by) => directory.grant(by, member, { role: 'admin', until }),
  })

  app.get('/v1/members', async () => ({ members: await directory.list() }))

  app.get('/v1/members/:id', async ({ params }) => directory.show(nameOf(params, 'id')))

  app.post('/v1/members', async (request, reply) => {
    const caller = callerOf(request)
    const { name, roles } = bodyOf(peopleBodies.member, request.body)
    const admin = roles.find(({ role }) => role === 'admin')
    const others: readonly NewGrant[] = roles.filter(({ role }) => role !== 'admin')
    const { member, initial } = await directory.add(caller, name, others)
    void reply.code(201).header('location', `/v1/members/${member.id}`)
    if (admin === undefined) return { member, initial }
    const asked = await grantAdmin(caller, { member: member.id, until: admin.until })
    return 'request' in asked ? { member, initial, request: asked.request } : { member: asked.done, initial }
  })

  app.put('/v1/members/:id/roles/:role', async (request, reply) => {
    const caller = callerOf(request)
    const id = nameOf(request.params, 'id')
    const role = roleOf(request.params)
    const { until } = bodyOf(peopleBodies.grant, request.body)
    if (role !== 'admin') return { member: await directory.grant(caller, id, { role, until }) }
    await directory.show(id)
    const asked = await grantAdmin(caller, { member: id, until })
    if ('done' in asked) return { member: asked.done }
    return waiting(reply, asked.request)
  })

  app.delete('/v1/members/:id/roles/:role', async (request) => ({
    member: await directory.revoke(callerOf(request), nameOf(request.params, 'id'), roleOf(request.params)),
  }))

  for (const disabled of [true, false]) {
    app.post(`/v1/members/:id/${disabled ? 'disable' : 'enable'}`, async (request) => ({
      member: await directory.setDisabled(callerOf(request), nameOf(request.params, 'id'), disabled),
    }))
  }

  app.post('/v1/members/:id/reset-password', async (request) => ({
    initial: await directory.resetPassword(callerOf(request), nameOf(request.params, 'id')),
  }))

  app.post('/v1/members/:id/reset-second-factor', async (request) => ({
    member: await directory.resetSecondFactor(callerOf(request), nameOf(request.params, 'id')),
  }))
}

function roleOf(params: unknown): Role {
  const role = rolePath.safeParse(nameOf(params, 'role'))
  if (!role.success) throw new ParleyError('request.invalid', 'there is no such role')
  return role.data
}
