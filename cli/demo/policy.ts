import { stringify } from 'yaml'
import { checkPolicy, signaturePath, signPolicy } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { homeOf, replaceFile } from '../home.ts'
import { secretFile } from '../secret-files.ts'
import type { Participant } from './examples.ts'

/** Writes and signs a participant's policy, which allows one plan of one coordinator. The site's key lies beside its folder. */
export async function allowPlan(
  { home, data }: Pick<Participant, 'home' | 'data'>,
  coordinator: Uint8Array,
  plan: string,
): Promise<void> {
  const digest = toHex(nodeCrypto.sha256(utf8(canonicalPlan(parsePlan(plan)))))
  const policy = {
    policy: 1,
    coordinators: { demo: toHex(coordinator) },
    data: { own: { csv: data, rows: { train: 1, heldOut: 1 } } },
    studies: { demo: { coordinators: ['demo'], data: 'own', plans: [digest] } },
  }
  const site = nodeCrypto.signingKey(await secretFile(`${home}.site.key`))
  const files = homeOf(home)
  await replaceFile(files.policyKey, `${toHex(site.publicKey)}\n`)
  await replaceFile(files.policy, stringify(policy))
  await replaceFile(signaturePath(files.policy), signPolicy(nodeCrypto, site, checkPolicy(policy)))
}
