import { z } from 'zod'
import { resourceDescriptorSchema, type Statement, sha256Subject, statementKind } from './statement.ts'
import { timestampField } from './time.ts'

/** in-toto simple verification result v0.2 (in-toto/attestation, `spec/predicates/svr.md`): a member's word on a version. */
export const APPROVAL_TYPE = 'https://in-toto.io/attestation/svr/v0.2'

/** What a member says of a version. */
export const approvalProperties = ['PARLEY_GATES_PASSED', 'PARLEY_CARD_READ', 'PARLEY_RELEASE_APPROVED'] as const
export type ApprovalProperty = (typeof approvalProperties)[number]

const predicateSchema = z.object({
  verifier: z.object({
    id: z.string().min(1).max(2_000),
    policies: z.array(resourceDescriptorSchema).max(100),
  }),
  timeCreated: timestampField,
  properties: z
    .array(z.string().regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'a property in capitals'))
    .min(1)
    .max(100),
})
export type ApprovalPredicate = z.output<typeof predicateSchema>
export type Approval = Statement<ApprovalPredicate>

const kind = statementKind(APPROVAL_TYPE, predicateSchema)

export type ApprovalFacts = {
  readonly model: string
  /** The root of the version's folder. */
  readonly root: string
  /** The member's URI. */
  readonly member: string
  /** SHA-256 of the release policy. */
  readonly policy: string
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  readonly at: string
  readonly properties: readonly ApprovalProperty[]
}

/** The payload of `approval-<member>.json`, in canonical JSON. Throws `request.invalid`. */
export function approvalPayload({ model, root, member, policy, at, properties }: ApprovalFacts): Uint8Array {
  return kind.write([sha256Subject(model, root)], {
    verifier: { id: member, policies: [{ name: 'release-policy', digest: { sha256: policy } }] },
    timeCreated: at,
    properties: [...properties],
  })
}

/** Reads the payload of an approval. Throws `verify.failed`. Verify its signature first. */
export function readApproval(payload: Uint8Array): Approval {
  return kind.read(payload)
}

export type ApprovalNeeds = {
  readonly root: string
  readonly policy: string
  /** Whoever started the run: their own word does not count. */
  readonly launcher: string
  /** How many members; 2 by default. */
  readonly approvers?: number
  /** What each of them must say; by default that the release is approved. */
  readonly properties?: readonly ApprovalProperty[]
}

/**
 * Why these approvals are not enough, or undefined when they are. `member` is whose key signed the approval: one that
 * speaks in another's name does not count, nor does one of another version or policy.
 */
export function approvalsProblem(
  approvals: readonly { readonly member: string; readonly approval: Approval }[],
  needs: ApprovalNeeds,
): string | undefined {
  const { approvers = 2, properties = ['PARLEY_RELEASE_APPROVED'] } = needs
  const counted = new Set(
    approvals
      .filter(({ member, approval: { subject, predicate } }) => {
        const { id, policies } = predicate.verifier
        return (
          member === id &&
          member !== needs.launcher &&
          subject.length === 1 &&
          subject[0]?.digest.sha256 === needs.root &&
          policies.some(({ digest }) => digest?.sha256 === needs.policy) &&
          properties.every((property) => predicate.properties.includes(property))
        )
      })
      .map(({ member }) => member),
  )
  return counted.size >= approvers ? undefined : `${counted.size} of ${approvers} members approved this version`
}
