import type { Store } from '../../server/index.ts'

/** A store that a coordinator loses when it dies: from then on nothing that it asks for is answered. */
export function mortalStore(store: Store): { readonly store: Store; readonly cut: () => void } {
  let alive = true
  const guard = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => (alive ? Reflect.apply(member, target, args) : new Promise(() => {}))
      },
    })
  const { blobs, spool, journal, records, members, enrolments } = store
  return {
    store: {
      blobs: guard(blobs),
      spool: guard(spool),
      journal: guard(journal),
      records: guard(records),
      members: guard(members),
      enrolments: guard(enrolments),
      close: async () => {},
    },
    cut: () => {
      alive = false
    },
  }
}
