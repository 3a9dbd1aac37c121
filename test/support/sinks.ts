import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export type Posted = { readonly headers: IncomingHttpHeaders; readonly body: string }

/** A server that answers each request with the next status of a list, the last one again and again; 0 never answers. */
export async function webhookServer(statuses: readonly number[]) {
  const posted: Posted[] = []
  const waiting = new Set<() => void>()
  let answered = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    posted.push({ headers: request.headers, body })
    const status = statuses[Math.min(answered++, statuses.length - 1)] ?? 200
    if (status === 301) response.setHeader('location', '/elsewhere')
    if (status !== 0) response.writeHead(status).end('x')
    for (const one of waiting) one()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    posted,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async count(n: number) {
      while (posted.length < n) {
        await new Promise<void>((resolve) => {
          const one = () => {
            waiting.delete(one)
            resolve()
          }
          waiting.add(one)
        })
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type Mail = {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly secure: boolean
}

/** A mail server that takes what comes, or what `options` lets it. */
export async function mailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = []
  const server = new SMTPServer({
    authOptional: true,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom === false ? '' : mailFrom.address
        const to = rcptTo.map(({ address }) => address)
        mails.push({ from, to, text: Buffer.concat(chunks).toString('utf8'), secure: session.secure })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    mails,
    port: (server.server.address() as AddressInfo).port,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
