import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EpochMillis } from '../../../src/contract/ids.ts';
import { encodeMessage, estimateMessage, logMessage, stateMessage, streamStatusMessage } from '../../../src/protocol/messages.ts';

const at = 1_700_000_000_000 as EpochMillis;
const state = { type: 'STREAM', stream: { stream_descriptor: { name: 'a' }, stream_state: { version: 1 } } } as const;

describe('encodeMessage', () => {
  it('prints recordCount with a decimal point', () => {
    expect(encodeMessage(stateMessage(state, 12))).toBe(
      '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"version":1}},"sourceStats":{"recordCount":12.0}}}\n',
    );
    expect(encodeMessage(stateMessage(state, 0))).toContain('"recordCount":0.0}');
    expect(encodeMessage(stateMessage(state, 2 ** 53))).toContain('"recordCount":9007199254740992.0}');
  });

  it('leaves a state without statistics alone', () => {
    expect(JSON.parse(encodeMessage({ type: 'STATE', state }))).toEqual({ type: 'STATE', state });
  });

  it('replaces lone surrogates, and nothing else', () => {
    expect(encodeMessage(logMessage('INFO', 'a\ud800b \\ud800 \\\\ud800 😀'))).toBe(
      `{"type":"LOG","log":{"level":"INFO","message":"a\\ufffdb \\\\ud800 \\\\\\\\ud800 😀"}}\n`,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const line = encodeMessage(logMessage('INFO', text));
        const parsed = JSON.parse(line) as { log: { message: string } };
        expect(parsed.log.message).toBe(Buffer.from(text).toString());
      }),
    );
  });

  it('is one line whatever the text holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, stack) => {
        const line = encodeMessage(logMessage('WARN', message, stack));
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(line).not.toContain('\r');
      }),
    );
  });

  it('leaves an empty namespace out', () => {
    expect(JSON.parse(encodeMessage(streamStatusMessage({ namespace: '', name: 'a' }, 'STARTED', at)))).toEqual({
      type: 'TRACE',
      trace: { type: 'STREAM_STATUS', emitted_at: at, stream_status: { stream_descriptor: { name: 'a' }, status: 'STARTED' } },
    });
  });

  it('says estimates as whole numbers, and only those it has', () => {
    const message = estimateMessage({ namespace: 's', name: 'a' }, { rows: 10.7 }, at);
    expect(JSON.parse(encodeMessage(message))).toEqual({
      type: 'TRACE',
      trace: { type: 'ESTIMATE', emitted_at: at, estimate: { type: 'STREAM', namespace: 's', name: 'a', row_estimate: 10 } },
    });
  });
});
