import { create } from './secret-files.ts'

/** A password for a first login, which is shown once. */
export type InitialPassword = { readonly password: string; readonly until: string }

/** Writes it to a file where there is one; gives what is left to be shown. */
export async function writeInitial(
  { password, until }: InitialPassword,
  file: string | undefined,
): Promise<{ readonly data: object; readonly text: string }> {
  const next = `until ${until} it serves to log in once and set another one: parley member setup NAME`
  if (file === undefined) return { data: { password, until }, text: `password: ${password}\n  ${next}` }
  await create(file, `${password}\n`)
  return { data: { file, until }, text: `the password is in ${file}\n  ${next}` }
}
