/** Where clients find the coordinator: over HTTP, and by its carriers, the preferred one first. */
export type Addresses = { readonly http: string; readonly carriers: readonly string[] }
