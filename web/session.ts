import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session } from './answers.ts'

/** That somebody signed in here, so that nobody else is asked for at the coordinator in vain. It proves nothing. */
const MARK = 'parley-signed-in'

export function wasSignedIn(): boolean {
  try {
    return localStorage.getItem(MARK) !== null
  } catch {
    return true
  }
}

export function noteSignedIn(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(MARK, '1')
    else localStorage.removeItem(MARK)
  } catch {
    // A browser that keeps nothing is asked again each time.
  }
}

export const SessionContext = createContext<Session>({ permissions: [], todo: [] })

/** What a page says when something about the session has changed, or it has ended. */
export const SessionActions = createContext<{
  readonly changed: (session: Session) => void
  readonly ended: () => void
}>({ changed: () => {}, ended: () => {} })

/** Whether who is signed in has a permission. What they may not do is not shown; the coordinator refuses it all the same. */
export function useMay(): (permission: string) => boolean {
  const { permissions } = useContext(SessionContext)
  return (permission) => permissions.includes(permission)
}
