/** One sign for each style of line, about the origin: circle, square, triangle, diamond, and their like. */
export const MARKERS = [
  'M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z',
  'M-3.2-3.2h6.4v6.4h-6.4z',
  'M0-4l4 7h-8z',
  'M0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z',
  'M0 4l4-7h-8z',
  'M-1.2-4h2.4v2.8h2.8v2.4h-2.8v2.8h-2.4v-2.8h-2.8v-2.4h2.8z',
  'M-4.5-2h9v4h-9z',
  'M-2-4.5h4v9h-4z',
] as const
