import type { Problem } from './problem.ts'

/** Names under which a secret itself would stand, and not the file that holds it. */
const SECRET_NAME =
  /(secret|password|passphrase|credential|token|seed|private.?key|(admin|identity|sealing|release|audit|authority|tls|api|signing).?key)$/i

/**
 * Whether what is given would be a secret in the clear: a private key, 32 bytes in hex where no public key is meant, a password in
 * an address.
 */
export function isSecret(text: string, isPublicKey: boolean): boolean {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return true
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]*@/i.test(text)) return true
  return !isPublicKey && /^[0-9a-f]{64}$/i.test(text.trim())
}

/** Whether a name that is not known is one of a secret: only where it is no file of one either. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** Says it without the value. */
export function secretInClear(where: string, name: string): Problem {
  const message = `${name} would be a secret in the clear: secrets stand in files that only their owner can read, and a file is named here`
  return { where, message, code: 'config.secret-in-clear' }
}
