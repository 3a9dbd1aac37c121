import { type Markup, markup, type Part } from './markup.ts'
import { style } from './style.ts'
import { textures } from './textures.ts'

export type Section = { readonly id: string; readonly title: string; readonly lead?: Part; readonly body: Part }

export type Page = {
  /** What kind of report it is. */
  readonly kind: string
  readonly title: string
  readonly lead?: Part
  /** What stands before the sections. */
  readonly summary: Part
  readonly sections: readonly Section[]
}

/** Nothing is loaded and nothing is run: should markup from outside ever get into a report, it has no power. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** One document that needs nothing besides itself, and no script. */
export function documentOf({ kind, title, lead, summary, sections }: Page): string {
  const { text } = markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<meta name="referrer" content="no-referrer"/>
<meta http-equiv="Content-Security-Policy" content="${POLICY}"/>
<title>${title} · ${kind}</title>
<style>${style}</style>
</head>
<body>
${textures}
<header>
<p class="kind">Parley · ${kind}</p>
<h1>${title}</h1>
${lead === undefined ? undefined : markup`<p class="lead">${lead}</p>`}
</header>
<main>
${summary}
${sections.length > 1 && contents(sections)}
${sections.map(sectionOf)}
</main>
</body>
</html>
`
  return text
}

function contents(sections: readonly Section[]): Markup {
  return markup`<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`
}

function sectionOf({ id, title, lead, body }: Section): Markup {
  return markup`<section id="${id}">
<h2>${title}</h2>
${lead === undefined ? undefined : markup`<p class="lead">${lead}</p>`}
${body}
</section>\n`
}
