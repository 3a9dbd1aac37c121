import { z } from 'zod'
import { dsseBytes, parseDsse, signDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { SigningKey } from '../../core/crypto/primitives.ts'
import { fromHex, fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { canonicalJson } from '../../core/encoding/canonical-json.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { digestField, keyField } from '../../core/run/fields.ts'
import { isKnownFile, keyFiles } from './files.ts'

const PAYLOAD_TYPE = 'application/vnd.parley.backup+json'
/** The form of the archive; a higher number is one that this version cannot read. */
const FORMAT = 1

/** Bytes of a manifest: that of some 300,000 files. */
export const MANIFEST_BYTES = 64 * 2 ** 20

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const schema = z.strictObject({
  format: z.literal(FORMAT),
  /** The version of Parley that made it. */
  parley: z.string().max(100),
  /** When the database was copied, UTC. */
  at: z.iso.datetime(),
  /** Ed25519 keys of the coordinator, which has signed this, and of its audit log. */
  coordinator: keyField,
  auditKey: keyField,
  /** Of the database. */
  schema: count,
  /** Up to which entry of its journal each run is in the backup. */
  runs: z.array(z.strictObject({ id: z.string().max(200), status: z.string().max(40), entries: count })),
  /** The keys that the coordinator had, and where they are. */
  keys: z.strictObject({
    kept: z.enum(['apart', 'sealed', 'clear']),
    /** By their names: enough of a hash to find a wrong one. */
    checks: z.partialRecord(z.enum(keyFiles), z.string().regex(/^[0-9a-f]{16}$/)),
  }),
  files: z.array(z.strictObject({ name: z.string().refine(isKnownFile), bytes: count, sha256: digestField })),
})
export type BackupManifest = z.output<typeof schema>
export type BackupFile = BackupManifest['files'][number]

/** The manifest of what is backed up, signed by the coordinator's own key: a DSSE envelope. */
export async function writeManifest(key: SigningKey, manifest: Omit<BackupManifest, 'format'>): Promise<Uint8Array> {
  const payload = utf8(canonicalJson({ format: FORMAT, ...manifest }))
  return dsseBytes(await signDsse(key, PAYLOAD_TYPE, payload))
}

/**
 * Reads a manifest, and holds it against the key that is trusted, or the one that it names itself. Throws `backup.damaged`, and
 * `backup.newer` where its form is a later one.
 */
export async function readManifest(bytes: Uint8Array, trusted?: Uint8Array): Promise<BackupManifest> {
  try {
    const envelope = parseDsse(bytes, { maxBytes: MANIFEST_BYTES })
    const value: unknown = JSON.parse(fromUtf8(envelope.payload))
    const { format } = z.object({ format: z.number() }).parse(value)
    if (format > FORMAT)
      throw new ParleyError('backup.newer', `the backup has format ${format}; this version knows ${FORMAT}`)
    const manifest = schema.parse(value)
    const key = trusted ?? fromHex(manifest.coordinator) ?? new Uint8Array(32)
    await verifyDsse(envelope, PAYLOAD_TYPE, (message, signature) => nodeCrypto.verify(key, message, signature))
    return manifest
  } catch (cause) {
    if (cause instanceof ParleyError && cause.code === 'backup.newer') throw cause
    throw new ParleyError('backup.damaged', 'backup.json is not what the coordinator signed', { cause })
  }
}
