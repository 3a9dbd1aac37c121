/**
 * The data of each event of a stream (HTML standard, section 9.2): lines `data:` up to an empty line; comments are only `heard`. It
 * takes what the coordinator sends, lines that end with a newline.
 */
export async function* eventData(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let pending = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard()
      pending += decoder.decode(value, { stream: true })
      const events = pending.split('\n\n')
      pending = events.pop() ?? ''
      for (const event of events) {
        const lines = event.split('\n').filter((line) => line.startsWith('data:'))
        if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n')
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
