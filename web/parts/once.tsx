import { useState } from 'preact/hooks'

type Props = {
  /** What it is: `Code of the invitation`. */
  readonly name: string
  readonly value: string
}

/** A secret that the coordinator shows this one time. */
export function ShownOnce({ name, value }: Props) {
  const [said, setSaid] = useState('')
  const copy = () => {
    navigator.clipboard.writeText(value).then(
      () => setSaid('Copied.'),
      () => setSaid('The browser does not let it be copied: mark it, and copy it by hand.'),
    )
  }
  return (
    <div class="once">
      <p>
        <strong>{name}</strong>, shown this once:
      </p>
      <pre class="secret">{value}</pre>
      <p class="buttons">
        <button type="button" class="quiet" onClick={copy}>
          Copy
        </button>
        <span role="status">{said}</span>
      </p>
    </div>
  )
}
