/** Where in the dashboard somebody is: behind the `#` of the address, so that no path of the API is ever taken for a page. */
export type Route =
  | { readonly page: 'overview' | 'models' | 'clients' | 'people' | 'account' | 'start' | 'audit' | 'unknown' }
  | { readonly page: 'run'; readonly run: string }
  | { readonly page: 'member'; readonly member: string }
  | { readonly page: 'client'; readonly client: string }
  | { readonly page: 'model'; readonly model: string }
  | { readonly page: 'version'; readonly model: string; readonly number: number }
  | { readonly page: 'compare'; readonly model: string; readonly first: number; readonly second: number }

/** Pages of one word. */
const single = ['models', 'clients', 'people', 'account', 'start', 'audit'] as const

export function routeOf(hash: string): Route {
  const parts = partsOf(hash.replace(/^#\/?/, ''))
  const [first, second, third, fourth, fifth] = parts ?? ['?']
  if (first === undefined) return { page: 'overview' }
  const alone = single.find((one) => one === first)
  if (parts?.length === 1 && alone !== undefined) return { page: alone }
  if (first === 'runs' && second !== undefined && third === undefined) return { page: 'run', run: second }
  if (first === 'people' && second !== undefined && third === undefined) return { page: 'member', member: second }
  if (first === 'clients' && second !== undefined && third === undefined) return { page: 'client', client: second }
  if (first === 'models' && second !== undefined) {
    if (third === undefined) return { page: 'model', model: second }
    const numbers = [third, fourth, fifth].map((part) => numberOf(part))
    if (fourth === undefined && numbers[0] !== undefined) return { page: 'version', model: second, number: numbers[0] }
    if (third === 'compare' && numbers[1] !== undefined && numbers[2] !== undefined && parts?.length === 5) {
      return { page: 'compare', model: second, first: numbers[1], second: numbers[2] }
    }
  }
  return { page: 'unknown' }
}

/** A link to a page: `linkTo('models', 'heart', 2)`. */
export function linkTo(...parts: readonly (string | number)[]): string {
  return `#/${parts.map((part) => encodeURIComponent(String(part))).join('/')}`
}

function partsOf(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined
  }
}

function numberOf(part: string | undefined): number | undefined {
  return part !== undefined && /^[1-9]\d{0,14}$/.test(part) ? Number(part) : undefined
}
