import { type Block, readCard, type Span } from '../markdown.ts'

/** A model card as elements of the page. `base`: where its pictures are served. */
export function Card({ text, base }: { readonly text: string; readonly base: string }) {
  return (
    <div class="card">
      {readCard(text).map((block, i) => (
        <BlockView key={i} block={block} base={base} />
      ))}
    </div>
  )
}

function BlockView({ block, base }: { readonly block: Block; readonly base: string }) {
  switch (block.kind) {
    case 'heading':
      // The page's own headings are of the first two levels.
      return block.level === 1 ? (
        <h3>
          <Spans of={block.spans} base={base} />
        </h3>
      ) : (
        <h4>
          <Spans of={block.spans} base={base} />
        </h4>
      )
    case 'paragraph':
      return (
        <p>
          <Spans of={block.spans} base={base} />
        </p>
      )
    case 'list':
      return (
        <ul>
          {block.items.map((item, i) => (
            <li key={i}>
              <Spans of={item} base={base} />
            </li>
          ))}
        </ul>
      )
    case 'code':
      return <pre>{block.text}</pre>
    case 'table':
      return <CardTable rows={block.rows} base={base} />
  }
}

function CardTable({
  rows: [head = [], ...rows],
  base,
}: {
  readonly rows: readonly (readonly (readonly Span[])[])[]
  readonly base: string
}) {
  const named = head.some((cell) => cell.length > 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (WCAG 2.1.1)
    <section class="scroll" tabIndex={0} aria-label="A table of the model card">
      <table>
        {named && (
          <thead>
            <tr>
              {head.map((cell, i) => (
                <th scope="col" key={i}>
                  <Spans of={cell} base={base} />
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, i) => (
                <td key={i}>
                  <Spans of={cell} base={base} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Spans({ of, base }: { readonly of: readonly Span[]; readonly base: string }) {
  return (
    <>
      {of.map((span, i) => (
        <SpanView key={i} span={span} base={base} />
      ))}
    </>
  )
}

function SpanView({ span, base }: { readonly span: Span; readonly base: string }) {
  switch (span.kind) {
    case 'text':
      return <>{span.text}</>
    case 'code':
      return <code>{span.text}</code>
    case 'bold':
      return <strong>{span.text}</strong>
    case 'picture':
      return <img src={`${base}/${span.path}`} alt={span.text} loading="lazy" />
  }
}
