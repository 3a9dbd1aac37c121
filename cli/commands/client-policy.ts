import { readFile, writeFile } from 'node:fs/promises'
import {
  type Asked,
  evaluatePolicy,
  loadPolicy,
  MOST_SITE_KEYS,
  pinnedKeys,
  policyDigest,
  policySignatures,
  readPolicy,
  signaturePath,
  signPolicy,
  startingModel,
  updateBytes,
  type Verdict,
} from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromHex, toHex, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { canonicalPlan, parsePlan } from '../../core/plan/parse.ts'
import { cohortSize } from '../../core/plan/plan.ts'
import { systemClock } from '../../core/system-clock.ts'
import { layoutLength } from '../../core/tensors/layout.ts'
import { defaultLimits } from '../../core/wire/limits.ts'
import { action, command, group } from '../command.ts'
import { homeOf, replaceFile } from '../home.ts'
import { keyOption, readText } from '../options.ts'
import { type PolicyHomeOptions, policyCommand, policyPathOf } from '../policy-options.ts'
import { policyTemplate } from '../policy-template.ts'
import { secretFile } from '../secret-files.ts'
import { siteKeyIn } from '../site-key.ts'

const init = policyCommand('init', 'write a policy to begin with, which allows nothing').action(
  action<PolicyHomeOptions>(async (options, output) => {
    const path = policyPathOf(options)
    await writeFile(path, policyTemplate, { flag: 'wx' }).catch((cause: unknown) => {
      throw new ParleyError('config.invalid', `${path} cannot be written, or is there already`, { cause })
    })
    output.result({ path }, `${path}: fill it in, then sign it: parley client policy sign --key FILE`)
    return 0
  }),
)

const key = command('key', 'print the public key of a site or of one of its people, made at the first call')
  .requiredOption('--key <file>', 'the secret key; keep it where the client cannot read it')
  .action(
    action<{ readonly key: string }>(async ({ key: path }, output) => {
      const publicKey = toHex(nodeCrypto.signingKey(await secretFile(path)).publicKey)
      output.result({ publicKey }, publicKey)
      return 0
    }),
  )

const sign = policyCommand(
  'sign',
  'check a policy and sign it with a key of the site; signatures of others over the same policy stay',
)
  .requiredOption('--key <file>', 'the site’s secret key, as `parley client policy key` makes it')
  .action(
    action<PolicyHomeOptions & { readonly key: string }>(async (options, output) => {
      const path = policyPathOf(options)
      const policy = await readPolicy(path)
      const site = await siteKeyIn(options.key)
      const signature = signaturePath(path)
      const trusted = await pinnedKeys(homeOf(options.home).policyKey)
      const before = await readFile(signature).catch(() => new Uint8Array(0))
      const others = policySignatures(nodeCrypto, trusted, policy, before)
      await replaceFile(signature, signPolicy(nodeCrypto, site, policy, others))
      const [digest, publicKey] = [policyDigest(nodeCrypto, policy), toHex(site.publicKey)]
      const keys = trusted.map(toHex)
      const missing = keys.filter((one) => one !== publicKey && !others.has(one))
      const todo = keys.includes(publicKey)
        ? missing.map((one) => `\nnot yet signed by ${one}, so it allows nothing`)
        : [`\nthe client does not trust this key yet: parley client policy trust ${publicKey}`]
      output.result({ digest, publicKey, signature, missing }, `signed: policy ${digest}${todo.join('')}`)
      return 0
    }),
  )

const trust = command('trust', 'pin the public keys by all of which this client’s policy must be signed')
  .option('--home <folder>', 'folder of the client', '.parley/client')
  .option('--replace', 'in the place of other keys that are pinned')
  .argument('<key...>', 'what `parley client policy key` prints; several where a policy takes several people')
  .action(
    action<PolicyHomeOptions & { readonly replace?: boolean }, [string[]]>(async ({ home, replace }, output, texts) => {
      const keys = texts.map((text) => text.toLowerCase())
      if (keys.some((key) => fromHex(key)?.length !== 32) || new Set(keys).size !== keys.length) {
        throw new ParleyError('request.invalid', 'a public key is 64 hexadecimal digits, and each is given once')
      }
      if (keys.length > MOST_SITE_KEYS) throw new ParleyError('request.invalid', `at most ${MOST_SITE_KEYS} keys`)
      const before = (await pinnedKeys(homeOf(home).policyKey)).map(toHex)
      const same = before.length === keys.length && before.every((key) => keys.includes(key))
      if (before.length > 0 && !same && replace !== true) {
        throw new ParleyError('config.invalid', `pinned are ${before.join(', ')}: give --replace to change that`)
      }
      await replaceFile(homeOf(home).policyKey, `${keys.join('\n')}\n`)
      output.result({ publicKeys: keys }, `policies of this client must be signed by ${keys.join(' and by ')}`)
      return 0
    }),
  )

type CheckOptions = PolicyHomeOptions & { readonly coordinatorKey?: Uint8Array }

const check = policyCommand('check', 'say what the policy would do with a plan')
  .argument('<plan>', 'the plan, YAML')
  .option('--coordinator-key <hex>', 'who would ask; by default the only coordinator of the policy', keyOption)
  .action(
    action<CheckOptions>(async (options, output, file = '') => {
      const { policy } = await loadPolicy(nodeCrypto, policyPathOf(options), homeOf(options.home).policyKey)
      const asked = await askedOf(file, coordinatorOf(options, Object.values(policy.coordinators)))
      const facts = { moment: 'begin', now: systemClock.now(), today: { rounds: 0, bytes: 0 } } as const
      const leaving = updateBytes(asked.plan, asked.task.parameters)
      const verdict = evaluatePolicy(policy, asked, { ...facts, leaving })
      if (verdict.kind !== 'allow') throw problemOf(verdict)
      const by = verdict.study === undefined ? '' : ` by study ${verdict.study}`
      const later = 'when it is loaded, its rows and the engine are looked at'
      output.result({ digest: asked.digest, ...verdict }, `allowed${by}, on the data set ${verdict.data}; ${later}`)
      return 0
    }),
  )

export const clientPolicyCommand = group(
  'policy',
  'what an institution allows its client: write it, sign it, see what it would do',
  init,
  key,
  sign,
  trust,
  check,
)

function coordinatorOf({ coordinatorKey }: CheckOptions, known: readonly string[]): string {
  if (coordinatorKey !== undefined) return toHex(coordinatorKey)
  const [only, another] = known
  if (only !== undefined && another === undefined) return only
  throw new ParleyError('request.invalid', `the policy has ${known.length} coordinators: give --coordinator-key`)
}

/** As the coordinator would ask in the first round, with all the clients that the plan asks for. */
async function askedOf(file: string, coordinator: string): Promise<Asked> {
  const plan = parsePlan(await readText(file), { maxBytes: defaultLimits.planBytes })
  const { layout } = await startingModel(plan)
  const cohort = cohortSize(plan)
  const task = {
    kind: 'train',
    run: 'check',
    round: 1,
    rounds: plan.rounds,
    parameters: layoutLength(layout),
    cohort,
  } as const
  return { plan, digest: toHex(nodeCrypto.sha256(utf8(canonicalPlan(plan)))), coordinator, task }
}

function problemOf(verdict: Exclude<Verdict, { kind: 'allow' }>): ParleyError {
  return new ParleyError(verdict.kind === 'hold' ? 'node.plan-held' : 'node.plan-refused', verdict.why)
}
