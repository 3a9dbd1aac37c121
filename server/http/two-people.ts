import type { FastifyReply } from 'fastify'
import type { KnownCaller } from '../members/caller.ts'
import type { ActDefinition, RequestView } from '../members/four-eyes.ts'
import type { People } from '../members/people.ts'

export type DoneOrAsked = { readonly done: object } | { readonly request: RequestView }

/** The function that does an act, or keeps it for a second person; without members it is done. */
export function twoPeople<Body extends object>(
  people: People | undefined,
  definition: ActDefinition<Body>,
): (by: KnownCaller, body: Body) => Promise<DoneOrAsked> {
  if (people !== undefined) return people.fourEyes.define(definition)
  return async (by, body) => ({ done: await definition.perform(body, by) })
}

/** 202: it was understood, and waits. */
export function waiting(reply: FastifyReply, request: RequestView): FastifyReply {
  return reply.code(202).header('location', `/v1/requests/${request.id}`).send({ request })
}
