import type { LinkState } from '../follow.ts'

/** What is said of a connection that a page follows. */
export const links: Readonly<Record<LinkState, string>> = {
  connecting: 'Connecting…',
  live: 'Live.',
  lost: 'The connection is lost; it is made again by itself. What is shown may be old.',
  ended: '',
}
