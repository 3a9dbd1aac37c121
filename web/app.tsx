import { type ComponentChildren, Fragment } from 'preact'
import { useContext, useEffect, useMemo, useState } from 'preact/hooks'
import type { Session } from './answers.ts'
import { ask, get, onSessionEnd, Refusal } from './api.ts'
import { AccountPage, SetUpPage } from './pages/account.tsx'
import { AuditPage } from './pages/audit.tsx'
import { ClientPage } from './pages/client.tsx'
import { ClientsPage } from './pages/clients.tsx'
import { ComparePage } from './pages/compare.tsx'
import { MemberPage } from './pages/member.tsx'
import { ModelPage, ModelsPage } from './pages/models.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PeoplePage } from './pages/people.tsx'
import { RunPage } from './pages/run.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { forgetDraft, StartPage } from './pages/start.tsx'
import { VersionPage } from './pages/version.tsx'
import { Failure, Page } from './parts/page.tsx'
import { type Route, routeOf } from './route.ts'
import { noteSignedIn, SessionActions, SessionContext, wasSignedIn } from './session.ts'

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'out'; readonly note?: string }
  | { readonly kind: 'unreachable'; readonly refusal: Refusal }
  | { readonly kind: 'in'; readonly session: Session }

const AGAIN_MS = 3_000

export function App() {
  const [state, setState] = useState<State>({ kind: 'asking' })

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      get<Session>('/v1/session').then(
        (session) => setState({ kind: 'in', session }),
        (thrown: unknown) => {
          const refusal = Refusal.from(thrown)
          if (refusal.status === 401) return out({ kind: 'out' })
          setState({ kind: 'unreachable', refusal })
          timer = setTimeout(look, AGAIN_MS)
        },
      )
    }
    const out = (next: State) => {
      noteSignedIn(false)
      setState(next)
    }
    onSessionEnd(() => out({ kind: 'out', note: 'Your session has ended. Sign in to go on.' }))
    if (wasSignedIn()) look()
    else setState({ kind: 'out' })
    return () => clearTimeout(timer)
  }, [])

  const actions = useMemo(
    () => ({
      changed: (session: Session) => setState({ kind: 'in', session }),
      ended: () => {
        forgetDraft()
        noteSignedIn(false)
        setState({ kind: 'out', note: 'You are signed out.' })
      },
    }),
    [],
  )

  switch (state.kind) {
    case 'asking':
      return <p class="muted alone">Loading…</p>
    case 'unreachable':
      return (
        <main class="alone">
          <Failure refusal={state.refusal} />
        </main>
      )
    case 'out':
      return (
        <SignIn
          note={state.note}
          signedIn={(session) => {
            noteSignedIn(true)
            setState({ kind: 'in', session })
          }}
        />
      )
    case 'in':
      return (
        <SessionContext.Provider value={state.session}>
          <SessionActions.Provider value={actions}>
            <Shell session={state.session} />
          </SessionActions.Provider>
        </SessionContext.Provider>
      )
  }
}

function useRoute(): readonly [route: Route, hash: string] {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return [routeOf(hash), hash]
}

function Shell({ session }: { readonly session: Session }) {
  const { ended } = useContext(SessionActions)
  const [route, hash] = useRoute()
  const may = (permission: string) => session.permissions.includes(permission)
  const links = [
    ['#/', 'Overview', route.page === 'overview' || route.page === 'run'],
    ['#/models', 'Versions', ['models', 'model', 'version', 'compare'].includes(route.page)],
    ...(may('client.read')
      ? [['#/clients', 'Clients', route.page === 'clients' || route.page === 'client'] as const]
      : []),
    ...(may('run.start') ? [['#/start', 'Start a run', route.page === 'start'] as const] : []),
    ...(may('member.read')
      ? [['#/people', 'People', route.page === 'people' || route.page === 'member'] as const]
      : []),
    ...(may('audit.read') ? [['#/audit', 'Audit', route.page === 'audit'] as const] : []),
  ] as const
  const out = () => {
    ask('DELETE', '/v1/session').then(ended, ended)
  }
  return (
    <>
      <button type="button" class="skip" onClick={() => document.querySelector<HTMLElement>('main h1')?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="name" href="#/">
          Parley
        </a>
        <nav aria-label="Pages">
          {(session.todo.length === 0 ? links : []).map(([href, name, here]) => (
            <a key={href} href={href} aria-current={here ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <span class="who">
          <a href="#/account" aria-current={route.page === 'account' ? 'page' : undefined}>
            {session.member?.name ?? 'host'}
          </a>{' '}
          <button type="button" class="quiet" onClick={out}>
            Sign out
          </button>
        </span>
      </header>
      <main>{session.todo.length > 0 ? <SetUpPage /> : <Fragment key={hash}>{pageOf(route)}</Fragment>}</main>
    </>
  )
}

function pageOf(route: Route): ComponentChildren {
  switch (route.page) {
    case 'overview':
      return <OverviewPage />
    case 'run':
      return <RunPage run={route.run} />
    case 'models':
      return <ModelsPage />
    case 'model':
      return <ModelPage model={route.model} />
    case 'version':
      return <VersionPage model={route.model} number={route.number} />
    case 'compare':
      return <ComparePage model={route.model} first={route.first} second={route.second} />
    case 'clients':
      return <ClientsPage />
    case 'client':
      return <ClientPage id={route.client} />
    case 'people':
      return <PeoplePage />
    case 'member':
      return <MemberPage id={route.member} />
    case 'account':
      return <AccountPage />
    case 'start':
      return <StartPage />
    case 'audit':
      return <AuditPage />
    case 'unknown':
      return (
        <Page title="Not found">
          <p>
            There is no such page. <a href="#/">Overview</a>
          </p>
        </Page>
      )
  }
}
