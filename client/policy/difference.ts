/** One place where two plans differ; a side is absent where it does not have the place. */
export type PlanChange = { readonly path: string; readonly before?: string; readonly after?: string }

/** Where two plans in plain JSON differ, by path, in the order of paths. */
export function planChanges(before: unknown, after: unknown): PlanChange[] {
  const [old, now] = [leavesOf(before), leavesOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((path) => {
    const [was, is] = [old.get(path), now.get(path)]
    if (was === is) return []
    return [{ path, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }]
  })
}

export function changeText({ path, before, after }: PlanChange): string {
  if (before === undefined) return `+ ${path}: ${after}`
  return after === undefined ? `- ${path}: ${before}` : `  ${path}: ${before} → ${after}`
}

/** Every leaf of plain JSON as JSON, by its path. */
function leavesOf(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
  if (entries.length === 0) into.set(path, JSON.stringify(value))
  for (const [key, member] of entries) leavesOf(member, path === '' ? key : `${path}.${key}`, into)
  return into
}
