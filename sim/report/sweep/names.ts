/**
 * The end of a path such as `plan.aggregation.rule`: its last word, or two words where the last one says too little by itself,
 * as `count` does.
 */
export function shortName(path: string): string {
  const words = path.split('.')
  const last = words.at(-1) ?? ''
  return words.length > 1 && (last.length < 3 || last === 'count') ? words.slice(-2).join('.') : last || path
}
