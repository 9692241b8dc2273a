import type { Problem } from '../contract/engine.ts';
import { ConnectorError, ERRORS, type ErrorCode } from '../contract/errors.ts';
import type { EpochMillis } from '../contract/ids.ts';
import type { Redact } from '../core/log.ts';
import { type AirbyteMessage, type ConnectionStatus, descriptor, errorMessage } from '../protocol/messages.ts';

/** Anything thrown, as an error with a code. What has none is a bug: ours, or of a code that is missing. */
export function asConnectorError(thrown: unknown): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new ConnectorError('INVARIANT', sentence(text), { cause: thrown });
}

/** What happened, where, and what to do. */
export const userText = (code: ErrorCode, detail: string): string =>
  `${ERRORS[code].title}: ${sentence(detail)} ${ERRORS[code].remedy}`;

const sentence = (text: string): string => (/[.!?:)]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`);

/** TRACE ERROR. The stack is for bugs only: for everything else the text says more. */
export function traceOf(error: ConnectorError, redact: Redact, at: EpochMillis): AirbyteMessage {
  const failureType = error.failureType;
  return errorMessage(
    {
      message: redact(userText(error.code, error.detail)),
      internal_message: redact(`${error.code}: ${error.detail}${causes(error)}`),
      ...(failureType === 'system_error' ? { stack_trace: redact(stackOf(error)) } : {}),
      failure_type: failureType,
      ...(error.table === undefined ? {} : { stream_descriptor: descriptor(error.table) }),
    },
    at,
  );
}

const DEEPEST_CAUSE = 5;

function causes(error: Error): string {
  let text = '';
  let cause = error.cause;
  for (let depth = 0; cause instanceof Error && depth < DEEPEST_CAUSE; depth++) {
    text += `; caused by ${cause.name}: ${cause.message}`;
    cause = cause.cause;
  }
  return text;
}

const stackOf = (error: Error): string =>
  error.cause instanceof Error && error.cause.stack !== undefined ? error.cause.stack : (error.stack ?? error.message);

/** FAILED with every problem, numbered, each with its remedy and the code under which docs/errors.md has more. */
export function failed(problems: readonly Problem[], redact: Redact): ConnectionStatus {
  const lines = problems.map(({ code, detail }, index) => `${index + 1}. ${userText(code, detail)} [${code}]`);
  return { status: 'FAILED', message: redact(lines.join('\n')) };
}
