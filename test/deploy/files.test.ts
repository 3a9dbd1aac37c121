/** What is shipped to run Parley names commands, options, ports and paths that there are. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { keyFiles } from '../../cli/backup/files.ts'
import { operations } from '../../server/http/operations.ts'
import { usualRules } from '../../server/observe/alerts/settings.ts'
import { chartObjects } from '../support/chart.ts'
import { inProcess, parleyJson } from '../support/cli.ts'
import { problemIn, wordsOf } from '../support/command-lines.ts'
import { root } from '../support/source-files.ts'

const at = (path: string) => join(root, path)
const text = (path: string) => readFileSync(at(path), 'utf8')
const has = (tool: string) => spawnSync(tool, ['--version']).status === 0

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-deploy-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The ports of an empty configuration. */
async function usualPorts(): Promise<number[]> {
  type Printed = { coordinator: Record<'grpcPort' | 'httpPort', { value: number }> }
  const { coordinator } = await parleyJson<Printed>('config', 'print', '--for', 'coordinator')
  return [coordinator.grpcPort.value, coordinator.httpPort.value]
}

describe('Dockerfile', () => {
  const lines = text('Dockerfile')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const last = (word: string) => lines.findLast((line) => line.startsWith(word))?.slice(word.length + 1)
  const copied = lines.flatMap((line) => /^COPY --from=build \/build\/(dist\/\w+)/.exec(line)?.[1] ?? [])
  const { files } = JSON.parse(text('package.json')) as { files: string[] }

  test('takes along what the package has of the program', () => {
    expect(copied.sort()).toEqual(files.filter((path) => path.startsWith('dist/')).sort())
  })

  test('runs as nobody who may do anything, with commands that there are', async () => {
    expect(last('USER')).toMatch(/^[1-9]\d+:[1-9]\d+$/)
    const command = (words: string[]) => (words[0] === 'parley' ? problemIn(words.slice(1)) : 'another program')
    const entry = JSON.parse(last('ENTRYPOINT')!) as string[]
    const health = JSON.parse(/CMD (\[.*)$/.exec(last('HEALTHCHECK')!)![1]!) as string[]
    expect(command([...entry, ...(JSON.parse(last('CMD')!) as string[])])).toBeUndefined()
    expect(command(health)).toBeUndefined()
    expect(last('EXPOSE')!.split(' ').map(Number)).toEqual(await usualPorts())
    expect(lines.join('\n')).not.toMatch(/curl|wget|sudo/)
  })

  test('gets from .dockerignore all that is compiled, and no secret', () => {
    const ignored = text('.dockerignore').split('\n')
    const { include } = JSON.parse(text('tsconfig.json')) as { include: string[] }
    for (const path of [
      ...include,
      'web',
      'proto',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.check.json',
    ]) {
      expect(ignored, path).toContain(`!${path}`)
      expect(existsSync(at(path)), path).toBe(true)
    }
    // What each of these is made of, besides.
    for (const path of ['tsconfig.json', 'tsconfig.check.json', 'web/tsconfig.json']) {
      const { extends: base } = JSON.parse(text(path).replace(/^\s*\/\/.*$/gm, '')) as { extends?: string }
      if (base !== undefined) expect(ignored, path).toContain(`!${base.replace(/^(\.\.?\/)+/, '')}`)
    }
    expect(ignored).toContain('**/*.key')
  })
})

describe('deploy/compose.yaml', () => {
  type Mount = { source: string; target: string }
  type Service = {
    image: string
    user: string
    command: string[]
    read_only: boolean
    cap_drop: string[]
    security_opt: string[]
    environment?: Record<string, string>
    configs?: Mount[]
    secrets?: string[]
    volumes?: string[]
    ports?: string[]
    stop_grace_period?: string
  }
  type Compose = {
    services: Record<string, Service>
    configs: Record<string, { file: string }>
    secrets: Record<string, { file: string }>
    volumes: Record<string, null>
  }
  const compose = parse(text('deploy/compose.yaml'), { merge: true }) as Compose
  const services = Object.entries(compose.services)

  test('has a coordinator, three clients, Prometheus and Grafana', () => {
    expect(services.map(([name]) => name)).toEqual([
      'coordinator',
      'hospital-a',
      'hospital-b',
      'hospital-c',
      'prometheus',
      'grafana',
    ])
  })

  test.each(services)('gives %s nothing beyond what it needs', (_name, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
    expect(service.user).toMatch(/^[1-9]/)
    for (const { source } of service.configs ?? []) expect(compose.configs).toHaveProperty(source)
    for (const name of service.secrets ?? []) expect(compose.secrets).toHaveProperty(name)
    for (const volume of service.volumes ?? []) {
      const [from = ''] = volume.split(':')
      if (!from.startsWith('.')) expect(compose.volumes).toHaveProperty(from)
    }
  })

  test.each(services.filter(([, { image }]) => image === 'parley'))(
    'starts %s as the program understands',
    (_name, service) => {
      expect(problemIn(service.command)).toBeUndefined()
      const [config] = service.configs!
      expect(service.environment).toEqual({ PARLEY_CONFIG: config!.target })
      const settings = parse(text(join('deploy', compose.configs[config!.source]!.file))) as Record<string, object>
      expect(Object.keys(settings)).toEqual([service.command[0]])
    },
  )

  test('has every file that it names, but those that the first day makes', () => {
    const files = [...Object.values(compose.configs), ...Object.values(compose.secrets)].map(({ file }) => file)
    const missing = files.filter((file) => !existsSync(at(join('deploy', file))))
    expect(missing.sort()).toEqual([
      './compose/authority.crt',
      './compose/secrets/backup_passphrase',
      './compose/secrets/grafana_password',
    ])
    for (const file of missing) expect(text('docs/operations.md'), file).toContain(file.replace('./', ''))
  })

  test('is open at the ports of the coordinator, and on this machine alone for the others', async () => {
    const { coordinator, ...others } = compose.services
    expect(coordinator!.ports).toEqual((await usualPorts()).map((port) => `${port}:${port}`))
    for (const { ports = [] } of Object.values(others)) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test('lets Prometheus ask at a port and path that there are', () => {
    type Scrape = { scheme: string; static_configs: { targets: string[] }[]; metrics_path?: string }
    const { scrape_configs, rule_files } = parse(text('deploy/prometheus/prometheus.yaml')) as {
      scrape_configs: Scrape[]
      rule_files: string[]
    }
    expect(scrape_configs[0]).toMatchObject({ scheme: 'https', static_configs: [{ targets: ['coordinator:7080'] }] })
    expect(operations.find(({ path }) => path === (scrape_configs[0]!.metrics_path ?? '/metrics'))?.access).toBe(
      'public',
    )
    expect(rule_files.map((file) => existsSync(at(join('deploy/prometheus', file))))).toEqual([true])
  })
})

describe('the configurations in deploy/', () => {
  const configs = ['compose', 'systemd'].flatMap((name) =>
    readdirSync(at(`deploy/${name}`))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => `deploy/${name}/${file}`),
  )

  test.each(configs)('%s is one that the program takes', async (path) => {
    expect(await inProcess('config', 'check', at(path), '--skip-files')).toMatchObject({ code: 0, stderr: '' })
  })

  test('wait for the drain of the coordinator', () => {
    const seconds = (duration: string) => Number(duration.replace(/s$/, ''))
    const drains = ['deploy/compose/coordinator.yaml', 'deploy/systemd/coordinator.yaml'].map((path) =>
      seconds((parse(text(path)) as { coordinator: { drain: string } }).coordinator.drain),
    )
    const [, unit] = /^TimeoutStopSec=(\d+)s$/m.exec(text('deploy/systemd/parley-coordinator.service'))!
    const [, grace] = /^ {4}stop_grace_period: (\d+)s$/m.exec(
      text('deploy/compose.yaml').split('coordinator:\n    <<')[1]!,
    )!
    for (const drain of drains) for (const wait of [unit, grace]) expect(Number(wait)).toBeGreaterThan(drain)
  })
})

describe('deploy/systemd', () => {
  const units = readdirSync(at('deploy/systemd')).filter((name) => name.endsWith('.service'))

  test.each(units)('%s starts what the program understands', (name) => {
    const commands = [...text(`deploy/systemd/${name}`).matchAll(/^Exec\w+=\/usr\/local\/bin\/parley (.*)$/gm)]
    expect(commands.length).toBe(2)
    for (const [, command] of commands) expect(problemIn(wordsOf(command!))).toBeUndefined()
  })

  test.skipIf(!has('systemd-analyze'))('is what systemd understands, and leaves little open', () => {
    for (const name of units) {
      const path = at(`deploy/systemd/${name}`)
      const { stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' })
      const complaints = stderr
        .split('\n')
        .filter((line) => line.includes(name.replace('@', '@i').replace('@i.', '@i.')))
      // The program is not installed where this is tested.
      expect(complaints.filter((line) => !line.includes('/usr/local/bin/parley is not executable'))).toEqual([])
      const report = execFileSync('systemd-analyze', ['security', '--offline=true', path], { encoding: 'utf8' })
      expect(Number(/exposure level for \S+: ([\d.]+)/.exec(report)![1])).toBeLessThan(2)
    }
  })
})

describe('deploy/helm/parley', () => {
  const chart = at('deploy/helm/parley')
  type Probe = { httpGet: { path: string; port: string; scheme: string } }
  type Container = {
    args?: string[]
    command?: string[]
    securityContext: object
    volumeMounts: { name: string; mountPath: string }[]
    ports?: { containerPort: number }[]
  } & Partial<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', Probe>>
  type Pod = {
    enableServiceLinks: boolean
    automountServiceAccountToken: boolean
    securityContext: object
    initContainers?: Container[]
    containers: Container[]
    volumes: { name: string }[]
  }
  type Workload = {
    kind: string
    metadata: { name: string }
    spec: { template: { spec: Pod }; volumeClaimTemplates?: { metadata: { name: string } }[] }
  }
  const everything = {
    coordinator: {
      tlsSecret: 'tls',
      alertsSecret: 'alerts',
      backupSecret: 'backup',
      alerts: { every: '15s' },
      storage: { className: 'fast' },
    },
    client: { enabled: true, joining: false, dataClaim: 'rows', storage: { className: 'fast' } },
    ingress: { enabled: true, className: 'nginx', tlsSecret: 'shown', annotations: { a: 'b' } },
    networkPolicy: { from: [{ podSelector: {} }], egress: [{ ports: [{ port: 443 }] }] },
    service: { annotations: { a: 'b' } },
    imagePullSecrets: [{ name: 'registry' }],
  }
  const variants: [string, Record<string, unknown>[]][] = [
    ['as it is', chartObjects(chart)],
    ['with everything', chartObjects(chart, everything)],
    ['with a client that joins', chartObjects(chart, { client: { enabled: true } })],
  ]
  const workloads = (objects: Record<string, unknown>[]) =>
    objects.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment') as unknown as Workload[]

  test('comes to these objects', () => {
    const kinds = variants.map(([, objects]) => objects.map(({ kind }) => kind).sort())
    expect(kinds[0]).toEqual(['ConfigMap', 'NetworkPolicy', 'Service', 'StatefulSet'])
    expect(kinds[1]).toEqual([
      'ConfigMap',
      'ConfigMap',
      'Deployment',
      'Ingress',
      'NetworkPolicy',
      'NetworkPolicy',
      'PersistentVolumeClaim',
      'Service',
      'StatefulSet',
    ])
  })

  test.each(variants)('%s, gives its containers nothing beyond what they need', (_name, objects) => {
    for (const { spec } of workloads(objects)) {
      const pod = spec.template.spec
      expect(pod).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        const volumes = [...pod.volumes, ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata)]
        for (const { name } of container.volumeMounts) expect(volumes.map((one) => one.name)).toContain(name)
      }
    }
  })

  test.each(variants)(
    '%s, starts what the program understands, and asks it at paths that there are',
    async (_name, objects) => {
      for (const { spec } of workloads(objects)) {
        const { initContainers = [], containers } = spec.template.spec
        for (const { args, command } of [...initContainers, ...containers]) {
          if (command === undefined) expect(problemIn(args!)).toBeUndefined()
        }
        for (const { startupProbe, livenessProbe, readinessProbe, ports } of containers) {
          if (ports === undefined) continue
          expect(ports.map(({ containerPort }) => containerPort)).toEqual(await usualPorts())
          for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
            expect(operations.find(({ path }) => path === probe!.httpGet.path)?.access).toBe('public')
          }
        }
      }
    },
  )

  test.each(variants)('%s, configures the daemons as they are configured', async (_name, objects) => {
    for (const { kind, data } of objects as { kind: string; data: Record<string, string> }[]) {
      if (kind !== 'ConfigMap') continue
      const name = Object.keys(data).find((one) => one !== 'alerts.yaml')!
      writeFileSync(join(folder, name), data[name]!)
      expect(await inProcess('config', 'check', join(folder, name), '--skip-files')).toMatchObject({
        code: 0,
        stderr: '',
      })
    }
  })
})

describe('docs/operations.md', () => {
  const page = text('docs/operations.md')
  const lines = page.split('\n')

  test.each(Object.keys(usualRules))('says what to do when %s fires', (alert) => {
    const [row] = lines.filter((line) => line.startsWith(`| \`${alert}\` |`))
    // Something to look at, and something to do.
    expect(
      row
        ?.split(' | ')
        .map((cell) => cell.length > 5)
        .slice(2),
    ).toEqual([true, true])
  })

  const { groups } = parse(text('deploy/prometheus/rules.yaml')) as { groups: { rules: { alert: string }[] }[] }
  test.each(groups.flatMap(({ rules }) => rules))('knows the rule $alert', ({ alert }) => {
    expect(page).toContain(`\`${alert}\``)
  })

  test('speaks of every key that a coordinator has', () => {
    for (const name of keyFiles) expect(page, name).toContain(`| \`${name}\` |`)
  })
})

test.skipIf(!has('promtool'))('deploy/prometheus is what Prometheus understands', () => {
  execFileSync('promtool', ['check', 'rules', at('deploy/prometheus/rules.yaml')])
  execFileSync('promtool', ['check', 'config', '--syntax-only', at('deploy/prometheus/prometheus.yaml')])
})
