/** Throw-away certificates, made by the `openssl` program. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export type Pair = { readonly cert: string; readonly key: string }
export type Certificates = {
  readonly ca: string
  readonly server: Pair
  readonly client: Pair
  readonly stranger: Pair
  /** The other authority, which certified the stranger. */
  readonly strangerCa: string
}

/** An authority, a server certificate for 127.0.0.1 and localhost, a client's, and a client's of another authority. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'parley-certificates-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const keyAlgorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const read = (name: string): Pair => ({
    cert: readFileSync(at(`${name}.crt`), 'utf8'),
    key: readFileSync(at(`${name}.key`), 'utf8'),
  })
  const authority = (name: string) =>
    openssl(
      ...['req', '-x509', ...keyAlgorithm, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.crt`)],
    )
  const issue = (name: string, issuer: string, extensions: string) => {
    writeFileSync(at(`${name}.ext`), extensions)
    openssl(
      ...['req', ...keyAlgorithm, '-subj', `/CN=${name}`, '-keyout', at(`${name}.key`), '-out', at(`${name}.csr`)],
    )
    openssl(
      ...['x509', '-req', '-in', at(`${name}.csr`), '-CA', at(`${issuer}.crt`), '-CAkey', at(`${issuer}.key`)],
      ...['-CAcreateserial', '-days', '2', '-extfile', at(`${name}.ext`), '-out', at(`${name}.crt`)],
    )
    return read(name)
  }
  try {
    authority('ca')
    authority('other')
    return {
      ca: read('ca').cert,
      server: issue('server', 'ca', 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:coordinator.example'),
      client: issue('client', 'ca', 'extendedKeyUsage=clientAuth'),
      strangerCa: read('other').cert,
      stranger: issue('stranger', 'other', 'extendedKeyUsage=clientAuth'),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
