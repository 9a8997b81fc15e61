/** The process log: JSON lines by pino. Ids only; a redaction list is the second net, not the first. */
import { pino, type Logger as PinoLogger } from 'pino';
import type { LoggerService } from '@nestjs/common';

/** A structured logger. Fields carry ids and codes, never names, identifiers or bodies. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

const redacted = [
  'email',
  'phone',
  'identifiers',
  'subject',
  'authorization',
  'password',
  'secrets',
  'body',
  '*.email',
  '*.value',
  '*.password',
];

/** A logger that writes to standard error, so that standard output stays for the story. */
export function createLogger(level: string): PinoLogger {
  return pino({ level, base: null, redact: { paths: redacted, censor: '[redacted]' } }, pino.destination(2));
}

/** Nest's own messages through the same log. */
export function nestLog(log: Logger): LoggerService {
  const where = (rest: unknown[]): { nest: string } => {
    const last = rest.at(-1);
    return { nest: typeof last === 'string' ? last : '' };
  };
  return {
    log: (message: unknown, ...rest: unknown[]) => log.debug(where(rest), String(message)),
    error: (message: unknown, ...rest: unknown[]) => log.error(where(rest), String(message)),
    warn: (message: unknown, ...rest: unknown[]) => log.warn(where(rest), String(message)),
  };
}
