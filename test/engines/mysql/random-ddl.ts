import type { Random } from '../../kit/random.ts';

/** A column as the server has it: what a statement can be made about. */
export interface ServerColumn {
  readonly name: string;
  readonly type: string;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly nullable: boolean;
  readonly generated: '' | 'stored' | 'virtual';
}

export interface ServerTable {
  readonly columns: readonly ServerColumn[];
  readonly collation: string;
}

/** The tables of one database at one moment, by name. */
export type ServerTables = ReadonlyMap<string, ServerTable>;

const CHARSETS = ['utf8mb4', 'utf8mb3', 'utf8', 'latin1', 'ucs2', 'utf16', 'gbk', 'sjis', 'cp1251', 'ascii'];
/** In which ASCII stands for itself: servers leave the bytes of labels as they are when they convert a table. */
const LIKE_ASCII = CHARSETS.filter(charset => charset !== 'ucs2' && charset !== 'utf16');
const COLLATIONS = ['utf8mb4_bin', 'latin1_general_cs', 'utf8mb3_bin', 'utf8mb4_general_ci', 'latin1_bin', 'ucs2_bin', 'gbk_bin'];

const NUMERIC = [
  'int',
  'INT(5)',
  'integer unsigned',
  'BIGINT',
  'bigint(20) unsigned',
  'tinyint',
  'tinyint(1)',
  'tinyint(1) unsigned',
  'TINYINT(3) ZEROFILL',
  'boolean',
  'BOOL NOT NULL',
  'smallint',
  'mediumint unsigned',
  'middleint',
  'int1',
  'int2 unsigned',
  'int3',
  'int4',
  'int8 unsigned zerofill',
  'int signed',
  'decimal',
  'dec(8)',
  'numeric(12,4) unsigned',
  'FIXED(5, 0)',
  'decimal(0)',
  'decimal(65,30)',
  'float',
  'float(10)',
  'float(30)',
  'float(7,3)',
  'float4 unsigned',
  'double',
  'double precision',
  'double(10,2)',
  'real',
  'float8',
  'bit',
  'bit(13)',
  'bit(64)',
  'year',
  'year(4)',
] as const;
const TEMPORAL = [
  'date',
  'time',
  'time(3)',
  'datetime',
  'DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)',
  'datetime(0)',
  'timestamp NULL',
  'timestamp(2) null default null',
  "timestamp NOT NULL DEFAULT '2020-01-01 00:00:00'",
  'datetime default now()',
] as const;
const BINARY = [
  'binary',
  'binary(16)',
  'varbinary(300)',
  'tinyblob',
  'blob',
  'blob(100)',
  'blob(70000)',
  'mediumblob',
  'longblob',
  'long varbinary',
  'char(7) byte',
  'geometry',
  'point',
  'linestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
  'json',
] as const;
const TEXT = [
  'char',
  'char(10)',
  'character(3)',
  'varchar(20)',
  'VARCHAR (255)',
  'character varying(30)',
  'char varying(12)',
  'tinytext',
  'text',
  'text(50)',
  'text(64)',
  'text(255)',
  'text(20000)',
  'mediumtext',
  'longtext',
  'long',
  'long varchar',
  "enum('a','b')",
  "ENUM('x,y', 'it''s', \"dou\"\"ble\", 'back\\\\slash', 'tail  ', 'ok')",
  "set('r','w','x')",
  "set('1','2','3','4','5','6','7','8','9')",
  "enum('(', ')', ';', '`', '/* no comment */', '-- nor this')",
] as const;
const OWN_CHARSET = [
  'nchar(4)',
  'national varchar(6)',
  'national char varying(5)',
  'nvarchar(9)',
  'varchar(9) ascii',
  'varchar(8) unicode',
] as const;
const MYSQL = ['vector(3)', 'vector', 'json not null'] as const;
const MARIADB = [
  'uuid',
  'inet4',
  'inet6',
  'varchar(30) compressed',
  'text compressed',
  'blob compressed',
  'json',
  'int not null check (1 = 1)',
] as const;
const NAMES = [
  'a',
  'b',
  'c',
  'Drop',
  'key',
  'a b',
  'x`y',
  'ü',
  'comment',
  'first',
  'after',
  'type',
  'e,f',
  'g)',
  'status',
  'Ord',
  'column',
];

/** Statements about a few tables of one database, mostly ones that the server takes. */
export class RandomDdl {
  readonly #random: Random;
  readonly #flavor: 'mysql' | 'mariadb';
  readonly #database: string;
  /** Whether the session has ANSI_QUOTES. */
  ansiQuotes = false;

  constructor(random: Random, flavor: 'mysql' | 'mariadb', database: string) {
    this.#random = random;
    this.#flavor = flavor;
    this.#database = database;
  }

  next(tables: ServerTables): string {
    const random = this.#random;
    const names = [...tables.keys()];
    if (names.length < 2 || (names.length < 6 && random.chance(0.08))) return this.#create(tables);
    const name = random.pick(names);
    const dice = random.next();
    if (dice < 0.05) return `${this.#word('rename table')} ${this.#renames(names)}`;
    if (dice < 0.08 && names.length > 2) return `DROP TABLE ${random.chance(0.5) ? 'IF EXISTS ' : ''}${this.#table(name)}`;
    if (dice < 0.1) return `truncate ${random.chance(0.5) ? 'table ' : ''}${this.#table(name)}`;
    if (dice < 0.12) return `ALTER DATABASE ${this.#name(this.#database)} ${this.#charset()}`;
    if (dice < 0.14)
      return `CREATE INDEX ${this.#name(`i${random.between(1, 99)}`)} ON ${this.#table(name)} (${this.#name('id')})`;
    return this.#alter(name, tables.get(name)?.columns ?? []);
  }

  #create(tables: ServerTables): string {
    const random = this.#random;
    const free = ['t1', 'T2', 'we ird', 't_old', '_t1_gho', 'select'].filter(name => !tables.has(name));
    const name = random.pick(free);
    const head = `${this.#word('create table')} ${name !== '_t1_gho' && random.chance(0.1) ? 'IF NOT EXISTS ' : ''}${this.#comment()}${this.#table(name)}`;
    const others = [...tables.keys()];
    if (others.length > 0 && random.chance(0.25))
      return `${head.replace('IF NOT EXISTS ', '')} LIKE ${this.#table(random.pick(others))}`;
    const columns = this.#fresh([]).slice(0, random.between(1, 6));
    const elements = ['id', ...columns].map(column =>
      column === 'id' ? `${this.#name('id')} int not null` : `${this.#name(column)} ${this.#type()}`,
    );
    const key = random.pick([
      'PRIMARY KEY (`id`)',
      'UNIQUE KEY u (id)',
      'primary key using btree (id)',
      'CONSTRAINT pk PRIMARY KEY (id ASC)',
    ]);
    elements.splice(random.between(0, elements.length), 0, this.#requote(key));
    const options = random.pick([
      '',
      '',
      ' ENGINE=InnoDB',
      ` ${this.#charset()}`,
      ` ENGINE = InnoDB ${this.#charset()} COMMENT 'x, (y'`,
      ` ROW_FORMAT=DYNAMIC, ${this.#tableCharset()}`,
    ]);
    return `${head} (${elements.join(', ')})${options}`;
  }

  #renames(names: readonly string[]): string {
    const random = this.#random;
    const a = random.pick(names);
    const b = random.pick(names);
    if (a === b || random.chance(0.3)) return `${this.#table(a)} TO ${this.#table(random.pick(['t1', 't9', 'Zz', '_t1_old']))}`;
    return `${this.#table(a)} TO ${this.#table('swap')}, ${this.#table(b)} TO ${this.#table(a)}, ${this.#table('swap')} TO ${this.#table(b)}`;
  }

  #alter(name: string, columns: readonly ServerColumn[]): string {
    const random = this.#random;
    if (random.chance(0.1)) return `alter table ${this.#table(name)} ${this.#convert(columns)}`;
    const count = random.pick([1, 1, 1, 2, 2, 3, 4]);
    const left = columns.map(column => column.name).filter(column => column !== 'id');
    const fresh = this.#fresh(columns.map(column => column.name));
    const clauses: string[] = [];
    for (let clause = 0; clause < count; clause++) clauses.push(this.#clause(left, fresh, columns));
    if (random.chance(0.04)) clauses.push('ORDER BY `id`, id DESC');
    if (random.chance(0.1)) clauses.push(random.pick(['ALGORITHM=COPY', 'LOCK = SHARED', 'force', "COMMENT='a, drop column b'"]));
    return `${this.#word('alter table')} ${this.#comment()}${this.#table(name)} ${clauses.map(text => this.#requote(text)).join(random.pick([', ', ',', ' ,\n  ']))}`;
  }

  #clause(left: string[], fresh: string[], columns: readonly ServerColumn[]): string {
    const random = this.#random;
    const take = (from: string[]): string => from.splice(random.between(0, from.length - 1), 1)[0] ?? 'id';
    const kind =
      left.length === 0
        ? 'add'
        : random.pick(['add', 'add', 'add-list', 'drop', 'modify', 'change', 'rename', 'default', 'other']);
    const optional = random.chance(0.5) ? this.#word('column ') : '';
    switch (kind) {
      case 'add':
        return `${this.#word('add')} ${optional}${this.#exists('IF NOT EXISTS ')}${this.#name(take(fresh))} ${this.#type()}${this.#place(columns)}`;
      case 'add-list':
        return `ADD ${optional}(${this.#name(take(fresh))} ${this.#type()}, ${this.#name(take(fresh))} ${this.#type()})`;
      case 'drop':
        return `${this.#word('drop')} ${optional}${this.#exists('IF EXISTS ')}${this.#name(take(left))}`;
      case 'modify':
        return `${this.#word('modify')} ${optional}${this.#name(take(left))} ${this.#type()}${this.#place(columns)}`;
      case 'change':
        return `${this.#word('change')} ${optional}${this.#name(take(left))} ${this.#name(random.chance(0.5) ? take(fresh) : take(left))} ${this.#type()}${this.#place(columns)}`;
      case 'rename':
        return `RENAME COLUMN ${this.#name(take(left))} TO ${this.#name(take(fresh))}`;
      case 'default':
        return this.#tableCharset();
      default:
        return random.pick([
          `ADD INDEX (${this.#name('id')})`,
          'ADD CONSTRAINT UNIQUE (id)',
          'ENGINE=InnoDB',
          `ALTER ${optional}${this.#name(random.pick(left))} DROP DEFAULT`,
          'auto_increment 5',
          'KEY_BLOCK_SIZE=0 COMMENT "a"" b"',
        ]);
    }
  }

  /** Mostly one that leaves labels what they are; now and then with something else in the same statement. */
  #convert(columns: readonly ServerColumn[]): string {
    const random = this.#random;
    const labels = columns.filter(({ type }) => /^(enum|set)/.test(type));
    const breaks =
      labels.some(({ charset }) => charset === null || !LIKE_ASCII.includes(charset)) ||
      columns.some(({ type }) => type.includes('COMPRESSED'));
    if (breaks && random.chance(0.95)) return 'FORCE';
    const charset = random.pick(labels.length > 0 ? LIKE_ASCII : CHARSETS);
    const more = random.pick([
      '',
      '',
      '',
      ', ADD INDEX (id)',
      ` COLLATE ${charset === 'utf8' ? 'utf8mb3' : charset}_bin`,
      `, ADD ${this.#name(this.#fresh(columns.map(column => column.name))[0] ?? 'z')} ${this.#type()}`,
    ]);
    return `CONVERT TO ${random.pick(['CHARACTER SET', 'charset'])} ${charset}${more}`;
  }

  #fresh(used: readonly string[]): string[] {
    const taken = new Set(used.map(name => name.toLowerCase()));
    const free = [...NAMES, ...Array.from({ length: 12 }, (_, index) => `n${index}`)].filter(
      name => !taken.has(name.toLowerCase()),
    );
    return free
      .map(name => [this.#random.next(), name] as const)
      .sort(([a], [b]) => a - b)
      .map(([, name]) => name);
  }

  #type(): string {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.06)
      return `int ${this.#word('generated always as')} (${this.#name('id')} + 1, ${random.pick(['', 'VIRTUAL', 'STORED'])}`
        .replace(',', ')')
        .trim();
    const own = random.pick(this.#flavor === 'mysql' ? MYSQL : MARIADB);
    const base =
      dice < 0.3
        ? random.pick(NUMERIC)
        : dice < 0.4
          ? random.pick(TEMPORAL)
          : dice < 0.52
            ? random.pick(BINARY)
            : dice < 0.6
              ? own
              : dice < 0.64
                ? random.pick(OWN_CHARSET)
                : null;
    if (base !== null) return `${base}${this.#attributes()}`;
    const text = random.pick(TEXT);
    const charset = random.pick([
      '',
      '',
      '',
      ` CHARACTER SET ${random.pick(CHARSETS)}`,
      ` charset ${random.pick(CHARSETS)}`,
      ` COLLATE ${random.pick(COLLATIONS)}`,
      ' binary',
      ' CHARACTER SET binary',
    ]);
    return `${text}${charset}${this.#attributes()}`;
  }

  #attributes(): string {
    return this.#random.pick(['', '', '', '', " COMMENT 'first, after `b`'", ' invisible', ' UNIQUE', ' null']);
  }

  #place(columns: readonly ServerColumn[]): string {
    const random = this.#random;
    if (random.chance(0.5)) return '';
    return random.chance(0.3) ? ` ${this.#word('first')}` : ` AFTER ${this.#name(random.pick(columns)?.name ?? 'id')}`;
  }

  #charset(): string {
    const random = this.#random;
    return random.pick([
      `DEFAULT CHARSET=${random.pick(CHARSETS)}`,
      `CHARACTER SET ${random.pick(CHARSETS)}`,
      `COLLATE ${random.pick(COLLATIONS)}`,
      `charset = utf8mb4 collate = utf8mb4_bin`,
    ]);
  }

  /** Several options for one choice, which only tables have as clauses; DEFAULT, which only MariaDB has there. */
  #tableCharset(): string {
    const random = this.#random;
    const mariadb = ['CHARACTER SET DEFAULT', 'COLLATE DEFAULT', 'CHARACTER SET DEFAULT, COLLATE latin1_bin'];
    return random.pick([
      this.#charset(),
      this.#charset(),
      `${this.#charset()}, ${this.#charset()}`,
      'COLLATE ucs2_bin, CHARACTER SET ucs2',
      ...(this.#flavor === 'mariadb' ? mariadb : []),
    ]);
  }

  /** MariaDB's clauses that may find nothing to do. */
  #exists(words: string): string {
    return this.#flavor === 'mariadb' && this.#random.chance(0.15) ? words : '';
  }

  #comment(): string {
    return this.#random.pick(['', '', '', "/* c ` ' */ ", '-- c, d\n', '# drop table t1\n', '/*!40000 */ ']);
  }

  #word(words: string): string {
    return this.#random.chance(0.5) ? words.toUpperCase() : words;
  }

  #table(name: string): string {
    return this.#random.chance(0.3)
      ? `${this.#name(this.#database)}${this.#random.pick(['.', ' . '])}${this.#name(name)}`
      : this.#name(name);
  }

  #name(name: string): string {
    return this.#requote(`\`${name.replaceAll('`', '``')}\``);
  }

  /** Now and then another way to quote; with ANSI_QUOTES no text may stand in double quotes. */
  #requote(text: string): string {
    if (!this.ansiQuotes) return text;
    return /^`[^`"]*`$/.test(text) && this.#random.chance(0.5) ? `"${text.slice(1, -1)}"` : text;
  }
}
