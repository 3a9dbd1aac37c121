import { toHex } from '../../core/encoding/bytes.ts'
import { validityProblem } from '../policy/instants.ts'
import { loadPolicy } from '../policy/policy-file.ts'
import { policyDigest } from '../policy/signed.ts'
import { DAY_MS } from './certificates.ts'
import { type Finding, failed, ok, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'

/** The client's own certificate, where it has joined. */
export function checkCertificate({ certificate, clock }: DoctorOptions): Finding {
  if (certificate === undefined) return ok('none: this client was listed by hand', { joined: false })
  const { from, until } = certificate
  const left = until - clock.now()
  const daysLeft = Math.floor(left / DAY_MS)
  const measured = { joined: true, daysLeft }
  if (left <= 0) {
    return {
      outcome: 'fail',
      value: `it ended ${new Date(until).toISOString()}`,
      code: 'auth.certificate-expired',
      advice: 'ask the operator for `parley client approve NAME FINGERPRINT`, which lets it renew once more',
      measured,
    }
  }
  const value = `${daysLeft} days left`
  // It renews by itself when two thirds are over.
  return left < (until - from) / 4
    ? warn(value, 'it renews by itself while the client runs: start the client', measured)
    : ok(value, measured)
}

/** The policy: signed by the key that is pinned, valid today, and one that knows this coordinator. */
export async function checkPolicyFile({
  crypto,
  clock,
  policy: files,
  coordinatorKey,
}: DoctorOptions): Promise<Finding> {
  if (files === undefined) {
    return warn('none: this client does whatever the coordinator asks', 'write one: parley client policy init')
  }
  try {
    const { policy, siteKeys } = await loadPolicy(crypto, files.path, files.keyPath)
    const digest = policyDigest(crypto, policy)
    const keys = siteKeys.map(toHex)
    const measured = { digest, siteKeys: keys, studies: Object.keys(policy.studies).length }
    const signers = keys.map((key) => key.slice(0, 12)).join(', ')
    const value = `${digest.slice(0, 12)}, signed by ${signers}, ${measured.studies} studies`
    const problem = validityProblem(policy.valid, clock.now())
    if (problem !== undefined) {
      return { outcome: 'fail', value: `${value}; it ${problem}`, measured, advice: 'write and sign a new one' }
    }
    const key = toHex(coordinatorKey)
    if (!Object.values(policy.coordinators).includes(key)) {
      return warn(
        `${value}; it does not name this coordinator`,
        'every task of this coordinator will be declined: add its key under coordinators, and sign it again',
        measured,
      )
    }
    return ok(policy.valid?.until === undefined ? value : `${value}, until ${policy.valid.until}`, measured)
  } catch (failure) {
    return failed(failure)
  }
}

export async function checkLedger({ spent }: DoctorOptions): Promise<Finding> {
  try {
    const { rounds, epsilon } = await spent()
    return ok(rounds === 0 ? 'nothing spent yet' : `${rounds} rounds, ε ${epsilon.toPrecision(3)}`, { rounds, epsilon })
  } catch (failure) {
    return failed(failure)
  }
}
