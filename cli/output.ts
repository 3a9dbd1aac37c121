import { ParleyError } from '../core/errors/index.ts'

/** Where a command writes. People read stdout and stderr; with `--json`, stdout holds nothing but JSON. */
export type Output = {
  readonly json: boolean
  /** A line for people; nothing with `--json`. */
  say(line: string): void
  /** The result: one JSON document with `--json`, else `text`. */
  result(data: unknown, text: string): void
  /** One event of a stream, a line of JSON each, with `--json`; else `text` where there is one. */
  event(event: object, text?: string): void
}

export function createOutput(json: boolean, stdout: NodeJS.WritableStream = process.stdout): Output {
  const write = (line: string) => void stdout.write(`${line}\n`)
  return {
    json,
    say: (line) => {
      if (!json) write(line)
    },
    result: (data, text) => {
      write(json ? JSON.stringify({ schemaVersion: '1', status: 'ok', exitCode: 0, data }) : text)
    },
    event: (event, text) => {
      if (json) write(JSON.stringify(event))
      else if (text !== undefined) write(text)
    },
  }
}

/** Says what went wrong and what to do next, and returns the exit code. */
export function reportFailure(failure: unknown, json: boolean): number {
  const error = ParleyError.from(failure)
  const exitCode = error.entry.exit
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ schemaVersion: '1', status: 'error', exitCode, error: error.describe() })}\n`,
    )
  } else {
    process.stderr.write(`parley: ${error.code}: ${error.message}\n  what to do: ${error.entry.hint}\n`)
  }
  if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`)
  return exitCode
}

/** Says of wrong usage, which commander has printed for people already, what it is in JSON; returns the exit code. */
export function reportUsage({ message }: Error, json: boolean): number {
  const error = new ParleyError('request.invalid', message.replace(/^error: /, ''))
  return json ? reportFailure(error, true) : error.entry.exit
}
