/**
 * Colours of both themes. Series: after Okabe and Ito, "Color Universal Design" (2008), darkened or lightened until they stand
 * out from the ground; no series is told by its colour alone. Sequential: one hue, towards the ground for little. Diverging:
 * orange and blue, which nobody takes for each other.
 */
export type Theme = {
  readonly ground: string
  readonly panel: string
  readonly text: string
  readonly muted: string
  readonly rule: string
  readonly link: string
  readonly good: string
  readonly bad: string
  readonly series: readonly string[]
  readonly sequential: readonly string[]
  readonly diverging: readonly string[]
  /** The text colour on a cell: of each bin whether it takes the ground's colour instead of the text's. */
  readonly sequentialInverse: readonly number[]
  readonly divergingInverse: readonly number[]
}

export const light: Theme = {
  ground: '#ffffff',
  panel: '#f6f7f9',
  text: '#1a1f25',
  muted: '#57616c',
  rule: '#d8dde3',
  link: '#0b5cad',
  good: '#00694c',
  bad: '#a83a00',
  series: ['#0069a8', '#c4500c', '#007a5a', '#a4427e', '#8a6400', '#4b5563', '#3b91c4', '#6d55b0'],
  sequential: ['#e8eef5', '#d8e5f2', '#bfd8eb', '#9cc5e1', '#71b0d6', '#4a98ca', '#2877b5', '#10589b', '#083a78'],
  diverging: ['#8a3c04', '#bd6210', '#e39a50', '#f5d3aa', '#f1f1ef', '#c2daec', '#80b3d9', '#3a80ba', '#0b4f8f'],
  sequentialInverse: [6, 7, 8],
  divergingInverse: [0, 1, 7, 8],
}

export const dark: Theme = {
  ground: '#11151a',
  panel: '#181e25',
  text: '#e5e9ee',
  muted: '#9ba6b2',
  rule: '#2f3842',
  link: '#7cbcf2',
  good: '#4fd0a4',
  bad: '#ff9a66',
  series: ['#5ab4ea', '#ff8d52', '#3fcc9f', '#e69ac8', '#e2b648', '#c3cad3', '#9ad9fb', '#b7a4f2'],
  sequential: ['#23313e', '#223d54', '#224a69', '#25597e', '#296890', '#3c86b5', '#5fa3ce', '#8ec2e3', '#c8e3f7'],
  diverging: ['#ffb878', '#d8853a', '#99591d', '#593a1b', '#272d34', '#1f4059', '#2d658f', '#4e96c9', '#9bcff3'],
  sequentialInverse: [5, 6, 7, 8],
  divergingInverse: [0, 1, 7, 8],
}

/** The theme as custom properties. */
export function variables(theme: Theme): string {
  const { series, sequential, diverging, sequentialInverse, divergingInverse } = theme
  const named = ['ground', 'panel', 'text', 'muted', 'rule', 'link', 'good', 'bad'] as const
  const on = (inverse: readonly number[], bin: number) => (inverse.includes(bin) ? theme.ground : theme.text)
  return [
    ...named.map((name) => `--${name}:${theme[name]}`),
    ...series.map((colour, i) => `--s${i}:${colour}`),
    ...sequential.flatMap((colour, i) => [`--h${i}:${colour}`, `--on-h${i}:${on(sequentialInverse, i)}`]),
    ...diverging.flatMap((colour, i) => [`--d${i}:${colour}`, `--on-d${i}:${on(divergingInverse, i)}`]),
  ].join(';')
}
