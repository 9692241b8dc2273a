/**
 * The character sets of MySQL 9 and MariaDB 11: name, bytes of its widest character, default collation, collation numbers
 * below 1024. From information_schema.CHARACTER_SETS and COLLATIONS of both.
 */
const TABLE = `
armscii8 1 armscii8_general_ci 32 64
ascii 1 ascii_general_ci 11 65
big5 2 big5_chinese_ci 1 84
binary 1 binary 63
cp1250 1 cp1250_general_ci 26 34 44 66 99
cp1251 1 cp1251_general_ci 14 23 50-52
cp1256 1 cp1256_general_ci 57 67
cp1257 1 cp1257_general_ci 29 58-59
cp850 1 cp850_general_ci 4 80
cp852 1 cp852_general_ci 40 81
cp866 1 cp866_general_ci 36 68
cp932 2 cp932_japanese_ci 95-96
dec8 1 dec8_swedish_ci 3 69
eucjpms 3 eucjpms_japanese_ci 97-98
euckr 2 euckr_korean_ci 19 85
gb18030 4 gb18030_chinese_ci 248-250
gb2312 2 gb2312_chinese_ci 24 86
gbk 2 gbk_chinese_ci 28 87
geostd8 1 geostd8_general_ci 92-93
greek 1 greek_general_ci 25 70
hebrew 1 hebrew_general_ci 16 71
hp8 1 hp8_english_ci 6 72
keybcs2 1 keybcs2_general_ci 37 73
koi8r 1 koi8r_general_ci 7 74
koi8u 1 koi8u_general_ci 22 75
latin1 1 latin1_swedish_ci 5 8 15 31 47-49 94
latin2 1 latin2_general_ci 2 9 21 27 77
latin5 1 latin5_turkish_ci 30 78
latin7 1 latin7_general_ci 20 41-42 79
macce 1 macce_general_ci 38 43
macroman 1 macroman_general_ci 39 53
sjis 2 sjis_japanese_ci 13 88
swe7 1 swe7_swedish_ci 10 82
tis620 1 tis620_thai_ci 18 89
ucs2 2 ucs2_general_ci 35 90 128-151 159 640-642
ujis 3 ujis_japanese_ci 12 91
utf16 4 utf16_general_ci 54-55 101-124 672-674
utf16le 4 utf16le_general_ci 56 62
utf32 4 utf32_general_ci 60-61 160-183 736-738
utf8mb3 3 utf8mb3_general_ci 33 76 83 192-215 223 576-578
utf8mb4 4 utf8mb4_0900_ai_ci 45-46 224-247 255-271 273-275 277-294 296-298 300 303-323 608-610
`;

interface Charset {
  readonly widest: number;
  readonly collation: string;
}

const CHARSETS = new Map<string, Charset>();
const BY_COLLATION_ID = new Map<number, string>();

for (const line of TABLE.trim().split('\n')) {
  const [name = '', widest = '', collation = '', ...ids] = line.split(' ');
  CHARSETS.set(name, { widest: Number(widest), collation });
  for (const range of ids) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let id = first; id <= last; id++) BY_COLLATION_ID.set(id, name);
  }
}

/** Where the numbers of MariaDB's NO PAD collations begin: each is that of its padding twin and this. */
const NOPAD = 1024;
/** Where MariaDB's UCA 14.0.0 collations begin: 256 numbers for each of these (ctype-uca1400.h). */
const UCA1400 = 2048;
const UCA1400_CHARSETS = ['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32'];

/** The character set of a collation number, as TABLE_MAP metadata and QUERY events name it; null for one that is not known. */
export function charsetOfCollationId(id: number): string | null {
  if (id >= UCA1400) return UCA1400_CHARSETS[Math.floor((id - UCA1400) / 256)] ?? null;
  return BY_COLLATION_ID.get(id >= NOPAD ? id - NOPAD : id) ?? null;
}

/** One name for one set: `utf8` is what both servers called `utf8mb3`. Null for a set that is not known. */
export function charsetName(name: string): string | null {
  const lower = name.toLowerCase();
  const canonical = lower === 'utf8' ? 'utf8mb3' : lower;
  return CHARSETS.has(canonical) ? canonical : null;
}

/** The character set that a collation's name begins with. MariaDB's `uca1400_…` without one belong to any set: null. */
export function charsetOfCollation(collation: string): string | null {
  const [prefix = ''] = collation.toLowerCase().split('_');
  return charsetName(prefix);
}

/** Bytes of the widest character; 1 for a set that is not known. */
export const widestCharacter = (charset: string): number => CHARSETS.get(charset)?.widest ?? 1;

/**
 * The collation of a set where none is named; null for Unicode's, whose default is a setting of the server and session
 * (MySQL: `default_collation_for_utf8mb4`, MariaDB 11.2 and newer: `character_set_collations`).
 */
export function defaultCollation(charset: string): string | null {
  return UCA1400_CHARSETS.includes(charset) ? null : (CHARSETS.get(charset)?.collation ?? null);
}

/** The collation that the attribute BINARY stands for. */
export const binaryCollation = (charset: string): string => (charset === 'binary' ? charset : `${charset}_bin`);
