import { type DestinationStream, destination, type LevelWithSilent, type Logger as PinoLogger, pino } from 'pino'
import { ParleyError } from '../../core/errors/index.ts'
import { redact } from './redact.ts'

/** What the server logs through. `fields` come first, then one sentence without variable parts. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds these fields to each line. */
  child(fields: LogContext): Logger
}

/** What a line is about. */
export type LogContext = {
  readonly run?: string
  readonly round?: number
  readonly client?: string
  readonly part?: string
}

export type LoggerOptions = {
  /** `info` by default. */
  readonly level?: LevelWithSilent
  /** Where the lines go, each a JSON object; standard error by default. */
  readonly stream?: DestinationStream
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** JSON lines without secrets: everything passes `redact`, and errors are written with their code. */
export function createLogger({ level = 'info', stream, now }: LoggerOptions): Logger {
  const root = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      serializers: { err: describeError, error: describeError },
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields) as Record<string, unknown>,
      },
    },
    stream ?? destination({ dest: 2, sync: true }),
  )
  return wrap(root)
}

/** Pino's formatters see the fields of a line, not those of a child. */
function wrap(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(redact(fields) as Record<string, unknown>)),
  }
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

/** An error with its causes; the stack only where the error is a defect of the program. */
function describeError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return redact(thrown)
  const code = thrown instanceof ParleyError ? thrown.code : undefined
  const details = thrown instanceof ParleyError ? thrown.details : undefined
  return {
    ...(code === undefined ? { name: thrown.name } : { code }),
    message: redact(thrown.message),
    ...(details === undefined ? {} : { details: redact(details) }),
    ...(code === undefined || code === 'internal' ? { stack: thrown.stack } : {}),
    ...(thrown.cause === undefined ? {} : { cause: describeError(thrown.cause) }),
  }
}
