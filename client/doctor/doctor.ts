import { carrierUrls } from '../carriers/carrier-urls.ts'
import { dialUrl } from '../carriers/dial.ts'
import { checkTlsChain } from './certificates.ts'
import { checkClock } from './clock-skew.ts'
import { checkCarriers, checkDryRun, checkIdentity } from './coordinator.ts'
import { checkData, dataOf } from './data.ts'
import { checkEngine } from './engine.ts'
import { type CheckName, checkNames, type Finding, type Reported, skipped } from './finding.ts'
import { checkDisk, checkMemory } from './machine.ts'
import type { DoctorOptions } from './options.ts'
import { checkName, checkPort, checkProxyWay, targetsOf } from './reach.ts'
import { checkCertificate, checkLedger, checkPolicyFile } from './site.ts'

/** A check is not tried where one of these has failed, or could not be tried itself. */
const needs: Readonly<Partial<Record<CheckName, readonly CheckName[]>>> = {
  port: ['name'],
  proxy: ['port'],
  tls: ['proxy'],
  carrier: ['tls'],
  identity: ['carrier'],
  clock: ['tls'],
  'dry-run': ['identity'],
}

/**
 * Looks, one thing after the other, at all that a client needs before it can take part, and tells of each as soon as it is known. Nothing
 * is changed, no data leaves; the coordinator sees handshakes. Throws `config.invalid` and `config.insecure` for addresses that no
 * client would take.
 */
export async function examine(
  options: DoctorOptions,
  onFinding: (reported: Reported) => void,
): Promise<readonly Reported[]> {
  const urls = options.urls.flatMap(carrierUrls)
  for (const url of urls) dialUrl(url, { ...options.dial, limits: options.limits })
  const targets = targetsOf(urls, options)
  const data = await dataOf(options)
  let reached: string | undefined
  const over = (check: (url: string) => Promise<Finding>) =>
    reached === undefined ? skipped('no carrier gets through') : check(reached)
  const checks: Readonly<Record<CheckName, () => Finding | Promise<Finding>>> = {
    name: () => checkName(targets, options),
    port: () => checkPort(targets, options),
    proxy: () => checkProxyWay(targets, options),
    tls: () => checkTlsChain(targets, options),
    carrier: () =>
      checkCarriers(urls, options, (url) => {
        reached = url
      }),
    identity: () => over((url) => checkIdentity(url, options)),
    clock: () => checkClock(urls, options),
    certificate: () => checkCertificate(options),
    policy: () => checkPolicyFile(options),
    ledger: () => checkLedger(options),
    disk: () => checkDisk(options),
    memory: () =>
      checkMemory(
        options,
        data.map(({ files }) => files),
      ),
    data: () => checkData(data, options),
    engine: () => checkEngine(options),
    'dry-run': () => over((url) => checkDryRun(url, options)),
  }
  const reports: Reported[] = []
  for (const check of checkNames) {
    const before = needs[check]?.find((one) => {
      const outcome = reports.find((report) => report.check === one)?.outcome
      return outcome === 'fail' || outcome === 'skipped'
    })
    const finding = before === undefined ? await checks[check]() : skipped(`not tried, because of ${before}`)
    const reported = { check, ...finding }
    reports.push(reported)
    onFinding(reported)
  }
  return reports
}
