import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Refusal } from '../api.ts'
import type { Loaded } from '../use.ts'

/** A page with its heading, which takes the focus: who cannot see the page hears that it is another one. */
export function Page({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Parley`
    heading.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [title])
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </>
  )
}

/** What went wrong: what it is, its code, and what to do. */
export function Failure({ refusal }: { readonly refusal: Refusal | undefined }) {
  if (refusal === undefined) return null
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{refusal.message}</strong> <code>{refusal.code}</code>
      </p>
      <p>{refusal.hint}</p>
    </div>
  )
}

/** Shows what was loaded, as far as it was; a failure beside it says that it may be old. */
export function Ready<Value>({
  of,
  children,
}: {
  readonly of: Loaded<Value>
  readonly children: (value: Value) => ComponentChildren
}) {
  return (
    <>
      <Failure refusal={of.failure} />
      {of.value === undefined ? of.failure === undefined && <p class="muted">Loading…</p> : children(of.value)}
    </>
  )
}

/** A part of a page under its own heading. */
export function Part({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="part">
      <h2>{title}</h2>
      {children}
    </section>
  )
}
