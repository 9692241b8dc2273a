import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../src/contract/errors.ts';
import { toConnectorError } from '../../../../src/engines/mysql/wire/errors.ts';

const fromServer = (errno: number, sqlMessage = 'It failed', sqlState = 'HY000'): ConnectorError =>
  toConnectorError({ errno, sqlState, sqlMessage }, 'Reading shop.t');
const withCode = (code: string, message = 'it failed'): Error => Object.assign(new Error(message), { code });

describe('an error of the server', () => {
  it.each([
    [1040, '08004', 'SERVER_ERROR'],
    [1045, '28000', 'AUTH_REJECTED'],
    [1044, '42000', 'PERMISSION_DENIED'],
    [1049, '42000', 'DATABASE_UNKNOWN'],
    [1053, '08S01', 'CONNECTION_LOST'],
    [1054, '42S22', 'SCHEMA_CHANGED'],
    [1142, '42000', 'PERMISSION_DENIED'],
    [1146, '42S02', 'TABLE_MISSING'],
    [1205, 'HY000', 'SERVER_ERROR'],
    [1227, '42000', 'PERMISSION_DENIED'],
    [1317, '70100', 'SERVER_ERROR'],
    [1381, 'HY000', 'SERVER_SETTING'],
    [1789, 'HY000', 'POSITION_LOST'],
    [1969, '70100', 'SERVER_ERROR'],
    [3024, 'HY000', 'SERVER_ERROR'],
    [3118, 'HY000', 'AUTH_REJECTED'],
    [3159, 'HY000', 'TLS_REFUSED'],
    [4031, 'HY000', 'CONNECTION_LOST'],
    [9999, '08003', 'CONNECTION_LOST'],
    [9999, '28001', 'AUTH_REJECTED'],
    [9999, 'HY000', 'SERVER_ERROR'],
  ])('%i, %s is %s', (errno, sqlState, code) => {
    expect(fromServer(errno, 'It failed', sqlState).code).toBe(code);
  });

  it('is told with its number, its state, and what helps', () => {
    expect(fromServer(1045, "Access denied for user 'a'@'b'", '28000').detail).toBe(
      "Reading shop.t: Access denied for user 'a'@'b'. (1045, SQLSTATE 28000) Check username and password, and that the account may log in from here.",
    );
    expect(fromServer(1205).detail).toBe('Reading shop.t: It failed. (1205, SQLSTATE HY000)');
  });

  it.each([
    'Could not find first log file name in binary log index file',
    'Cannot replicate because the source purged required binary logs. Replicate the missing transactions from elsewhere',
    'Client requested master to start replication from impossible position; the first event',
    "Error: connecting slave requested to start from GTID 0-1-5, which is not in the master's binlog",
    'Could not open log file',
    "Replica has more GTIDs than the source has, using the source's SERVER_UUID.",
  ])('that ends a dump for good: %s', message => {
    expect(fromServer(1236, message).code).toBe('POSITION_LOST');
  });

  it.each([
    'A replica with the same server_uuid/server_id as this replica has connected to the source; the first event',
    'log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source',
    'binlog truncated in the middle of event; consider out of disk space on source',
  ])('that ends a dump for now: %s', message => {
    expect(fromServer(1236, message).code).toBe('SERVER_ERROR');
  });
});

describe('an error from elsewhere', () => {
  it('of ours stays what it is', () => {
    const ours = new ConnectorError('VALUE_UNREADABLE', 'no');
    expect(toConnectorError(ours, 'Reading')).toBe(ours);
  });

  it.each([
    ['PROTOCOL_CONNECTION_LOST', 'CONNECTION_LOST'],
    ['ECONNRESET', 'CONNECTION_LOST'],
    ['EPIPE', 'CONNECTION_LOST'],
    ['ECONNREFUSED', 'SERVER_UNREACHABLE'],
    ['HANDSHAKE_NO_SSL_SUPPORT', 'TLS_REFUSED'],
    ['CERT_HAS_EXPIRED', 'TLS_REFUSED'],
    ['PROTOCOL_UNEXPECTED_PACKET', 'SERVER_UNREACHABLE'],
    ['ESOMETHING', 'INVARIANT'],
  ])('%s is %s', (code, expected) => {
    expect(toConnectorError(withCode(code), 'Reading').code).toBe(expected);
  });

  it('of a login that we cannot do names the way, and another', () => {
    const ed25519 = toConnectorError(
      withCode(
        'AUTH_SWITCH_PLUGIN_ERROR',
        'Server requests authentication using unknown plugin client_ed25519. See the plugins doco',
      ),
      'Logging in',
    );
    expect([ed25519.code, ed25519.detail]).toEqual([
      'AUTH_REJECTED',
      expect.stringContaining('the account logs in by client_ed25519,'),
    ]);
    expect(ed25519.detail).not.toContain('doco');
    const clear = toConnectorError(
      withCode('MYSQL_CLEAR_PASSWORD_NOT_ENABLED', 'Server requested mysql_clear_password'),
      'Logging in',
    );
    expect([clear.code, clear.detail]).toEqual([
      'AUTH_REJECTED',
      expect.stringContaining('set ssl_mode to verify_ca or verify_identity'),
    ]);
  });

  it('that is no error at all is told too', () => {
    expect(toConnectorError('nonsense', 'Reading')).toMatchObject({ code: 'INVARIANT', detail: 'Reading: nonsense.' });
  });
});
