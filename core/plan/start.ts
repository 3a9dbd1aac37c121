import { z } from 'zod'
import { digestField } from '../run/fields.ts'
import { oneOf } from './model.ts'

/** `NAME/NUMBER` or `NAME@ALIAS`. */
const REFERENCE = /^([a-z0-9][a-z0-9._-]{0,99})(?:\/([1-9]\d{0,8})|@(?!latest$|v\d+$)([a-z0-9_-]{1,100}))$/

const file = z
  .string()
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/, 'the name of a file, without a folder')
  .describe('the name of a file that the coordinator was given with --base: safetensors, or model.json of TF.js layers')

const tensorName = z.string().min(1).max(1_000)

/**
 * What the weights of a run start from, in place of new ones: a published version, or a file. A section of its own beside
 * `model`, which says what is trained and stays the same whatever the run starts from: the layouts must be equal.
 */
export const startSchema = oneOf(
  {
    version: z
      .string()
      .regex(REFERENCE, 'a version is NAME/NUMBER or NAME@ALIAS')
      .describe('heart/3, or heart@production: the version that has the alias when the run starts'),
    file,
  },
  {
    sha256: digestField
      .optional()
      .describe('SHA-256 of the weights file; of model.json and behind it its weight files, for TF.js layers'),
    rename: z
      .record(tensorName, tensorName)
      .refine((names) => Object.keys(names).length <= 100_000, 'at most 100000 names')
      .optional()
      .describe('what tensors of the file are called in the model of the plan, by their name in the file'),
  },
).refine((start) => 'version' in start || start.sha256 !== undefined, {
  message: 'a file is named together with its sha256',
  path: ['sha256'],
})

export type Start = z.output<typeof startSchema>

export type VersionReference =
  | { readonly model: string; readonly number: number }
  | { readonly model: string; readonly alias: string }

/** What `start.version` of a plan names. */
export function versionReference(text: string): VersionReference {
  const [, model = '', number, alias = ''] = REFERENCE.exec(text) ?? []
  return number === undefined ? { model, alias } : { model, number: Number(number) }
}

/** `start` in words, for messages: `heart/3`, `the file base.safetensors`. */
export function startText(start: Start): string {
  return 'version' in start ? start.version : `the file ${start.file}`
}
