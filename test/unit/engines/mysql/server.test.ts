import { describe, expect, it } from 'vitest';
import { parseVersion, showLogStatus, versionProblem } from '../../../../src/engines/mysql/server.ts';
import { literals, qualified, quoteAccount, quoteIdent, quoteLiteral } from '../../../../src/engines/mysql/sql.ts';

describe('a version', () => {
  it.each([
    ['8.0.36', 80036],
    ['8.0.36-0ubuntu0.22.04.1', 80036],
    ['9.7.4-2', 90704],
    ['8.0.36-28.1', 80036],
    ['8.0.mysql_aurora.3.08.0', 80000],
    ['10.11.18-MariaDB-0+deb12u1-log', 101118],
    ['5.5.5-10.6.14-MariaDB', 100614],
    ['11.8.2-MariaDB', 110802],
    ['5.5.5', 50505],
    ['5.7.44-log', 50744],
    ['nonsense', 0],
  ])('%s is %i', (text, number) => {
    expect(parseVersion(text)).toBe(number);
  });

  it('is too old below MySQL 8.0 and MariaDB 10.5', () => {
    const facts = { lowerCaseTableNames: 0, explicitTimestamps: true } as const;
    const problem = (flavor: 'mysql' | 'mariadb', versionText: string): string | null =>
      versionProblem({ ...facts, flavor, version: parseVersion(versionText), versionText });
    expect(problem('mysql', '8.0.11')).toBeNull();
    expect(problem('mariadb', '10.5.1-MariaDB')).toBeNull();
    expect(problem('mysql', '5.7.44')).toBe('The server is MySQL 5.7.44; version 8.0 or newer is needed.');
    expect(problem('mariadb', '10.4.9-MariaDB')).toContain('version 10.5 or newer');
  });
});

describe('the statement that says where the log is', () => {
  it.each([
    ['mysql', '8.0.36', 'SHOW MASTER STATUS'],
    ['mysql', '8.1.0', 'SHOW MASTER STATUS'],
    ['mysql', '8.2.0', 'SHOW BINARY LOG STATUS'],
    ['mysql', '8.4.3', 'SHOW BINARY LOG STATUS'],
    ['mariadb', '11.8.2-MariaDB', 'SHOW MASTER STATUS'],
  ] as const)('of %s %s is %s', (flavor, version, statement) => {
    expect(showLogStatus({ flavor, version: parseVersion(version) })).toBe(statement);
  });
});

describe('quoting', () => {
  it('of names and texts holds whatever they hold', () => {
    expect(quoteIdent('a`b.c"\\')).toBe('`a``b.c"\\`');
    expect(quoteLiteral("it's \\ \0")).toBe("'it''s \\\\ \\0'");
    expect(qualified({ namespace: 'a.b', name: '`' })).toBe('`a.b`.````');
    expect(literals(['a', "b'"])).toBe("'a', 'b'''");
    expect(literals([])).toBe('NULL');
    expect(quoteAccount("o'neil@home@10.0.0.%")).toBe("'o''neil@home'@'10.0.0.%'");
    expect(() => quoteIdent('a\0b')).toThrow(/NUL/);
  });
});
