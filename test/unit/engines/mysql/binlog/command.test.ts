import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { binlogDump, binlogDumpGtid, registerReplica } from '../../../../../src/engines/mysql/binlog/command.ts';

describe('commands', () => {
  it('ask for the log from a file and position', () => {
    const dump = binlogDump({ file: 'bin.07', position: 0xffff_fffe, serverId: 0x0102_0304, flags: 3 });
    expect(dump.toString('hex')).toBe(`12feffffff030004030201${Buffer.from('bin.07').toString('hex')}`);
    try {
      binlogDump({ file: 'bin.07', position: 2 ** 32, serverId: 1, flags: 0 });
      expect.unreachable();
    } catch (error) {
      expect(error instanceof ConnectorError && error.code).toBe('INVARIANT');
    }
  });

  it('ask for the log without the transactions of a set', () => {
    const dump = binlogDumpGtid({ gtidSet: Buffer.from('0000000000000000', 'hex'), serverId: 0xffff_ffff, flags: 1 });
    expect(dump.toString('hex')).toBe('1e0100ffffffff00000000040000000000000008000000' + '0000000000000000');
  });

  it('register a replica, its names cut to what servers take', () => {
    const register = registerReplica({ serverId: 5, host: 'h'.repeat(70), user: 'u'.repeat(20) });
    expect(register.length).toBe(18 + 60 + 16);
    expect(registerReplica({ serverId: 5, host: 'h', user: '' }).toString('hex')).toBe(
      '15050000000168' + '0000' + '0000' + '00000000' + '00000000',
    );
  });
});
