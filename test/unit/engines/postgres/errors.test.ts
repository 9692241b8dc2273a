import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../src/contract/errors.ts';
import { toConnectorError } from '../../../../src/engines/postgres/wire/errors.ts';

const fromServer = (code: string): Error =>
  Object.assign(new Error('the message'), { code, severity: 'FATAL', detail: 'the detail' });
const fromNode = (code: string): Error => Object.assign(new Error('the message'), { code });

describe('toConnectorError', () => {
  it.each([
    ['28P01', 'AUTH_REJECTED'],
    ['28000', 'AUTH_REJECTED'],
    ['3D000', 'DATABASE_UNKNOWN'],
    ['3F000', 'SCHEMA_MISSING'],
    ['42501', 'PERMISSION_DENIED'],
    ['25006', 'PERMISSION_DENIED'],
    ['42P01', 'TABLE_MISSING'],
    ['53300', 'SERVER_ERROR'],
    ['53400', 'SERVER_SETTING'],
    ['55006', 'SLOT_BUSY'],
    ['57P01', 'CONNECTION_LOST'],
    ['57P03', 'SERVER_UNREACHABLE'],
    ['08006', 'CONNECTION_LOST'],
    ['XX000', 'SERVER_ERROR'],
  ])('of the server: %s is %s', (state, code) => {
    const error = toConnectorError(fromServer(state), 'Reading');
    expect(error.code).toBe(code);
    expect(error.detail).toBe(`Reading: the message. the detail. (SQLSTATE ${state})`);
  });

  it('of a plugin that may not be used: a setting, whatever the language', () => {
    const words = {
      message: 'Bibliothek »pgoutput« …',
      code: '42501',
      severity: 'FEHLER',
      hint: '… zu »output_plugin_libraries« hinzu.',
    };
    const error = toConnectorError(Object.assign(new Error(words.message), words), 'Creating');
    expect(error.code).toBe('SERVER_SETTING');
    expect(error.detail).toContain('ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding;');
  });

  it.each([
    ['ECONNREFUSED', 'SERVER_UNREACHABLE'],
    ['ECONNRESET', 'CONNECTION_LOST'],
    ['EPIPE', 'CONNECTION_LOST'],
    ['ETIMEDOUT', 'CONNECTION_LOST'],
    ['CERT_HAS_EXPIRED', 'TLS_REFUSED'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS_REFUSED'],
    ['ERR_SOMETHING_ELSE', 'INVARIANT'],
  ])('of Node: %s is %s', (code, expected) => {
    expect(toConnectorError(fromNode(code), 'Reading').code).toBe(expected);
  });

  it('keeps its own kind, and knows the words of the driver', () => {
    const own = new ConnectorError('POSITION_LOST', 'gone');
    expect(toConnectorError(own, 'Reading')).toBe(own);
    expect(toConnectorError(new Error('Connection terminated unexpectedly'), 'Reading').code).toBe('CONNECTION_LOST');
    const password = new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string');
    expect(toConnectorError(password, 'Logging in').detail).toBe('Logging in: the server asks for a password, and none is set.');
  });
});
