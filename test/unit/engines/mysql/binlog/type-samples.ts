import * as encoder from './binlog-encoder.ts';

const { join, u32 } = encoder;

/** A type, the metadata in the event, what it becomes, and two values of it as they stand in a row. */
export interface Sample {
  readonly name: string;
  readonly column: encoder.Column;
  readonly type: number;
  readonly metadata: number;
  readonly values: readonly Uint8Array[];
}
const sample = (
  name: string,
  type: number,
  bytes: readonly number[],
  metadata: number,
  values: readonly Uint8Array[],
  resolved = type,
): Sample => ({
  name,
  column: { type, metadata: bytes },
  type: resolved,
  metadata,
  values,
});
const fixed = (count: number): Uint8Array[] => [Buffer.alloc(count, 0xa5), Buffer.alloc(count)];
const counted = (bytes: number, lengths: readonly number[]): Uint8Array[] =>
  lengths.map(length => join(u32(length).subarray(0, bytes), Buffer.alloc(length, 0xff)));

export const SAMPLES: readonly Sample[] = [
  sample('tinyint', 1, [], 0, fixed(1)),
  sample('smallint', 2, [], 0, fixed(2)),
  sample('int', 3, [], 0, fixed(4)),
  sample('float', 4, [4], 4, fixed(4)),
  sample('double', 5, [8], 8, fixed(8)),
  sample('null', 6, [], 0, fixed(0)),
  sample('timestamp of 5.5', 7, [], 0, fixed(4)),
  sample('bigint', 8, [], 0, fixed(8)),
  sample('mediumint', 9, [], 0, fixed(3)),
  sample('date', 10, [], 0, fixed(3)),
  sample('time of 5.5', 11, [], 0, fixed(3)),
  sample('datetime of 5.5', 12, [], 0, fixed(8)),
  sample('year', 13, [], 0, fixed(1)),
  sample('varchar(255)', 15, [255, 0], 255, counted(1, [0, 255])),
  sample('varchar(256)', 15, [0, 1], 256, counted(2, [0, 256])),
  sample('varchar(65000)', 15, [0xe8, 0xfd], 65000, counted(2, [65000])),
  sample('bit(1)', 16, [1, 0], 1, fixed(1)),
  sample('bit(17)', 16, [1, 2], 0x201, fixed(3)),
  sample('bit(64)', 16, [0, 8], 0x800, fixed(8)),
  ...[4, 5, 5, 6, 6, 7, 7].map((width, digits) => sample(`timestamp(${digits})`, 17, [digits], digits, fixed(width))),
  ...[5, 6, 6, 7, 7, 8, 8].map((width, digits) => sample(`datetime(${digits})`, 18, [digits], digits, fixed(width))),
  ...[3, 4, 4, 5, 5, 6, 6].map((width, digits) => sample(`time(${digits})`, 19, [digits], digits, fixed(width))),
  sample('blob compressed', 140, [2], 2, counted(2, [0, 700])),
  sample('varchar(300) compressed', 141, [0x2d, 1], 301, counted(2, [0, 300])),
  sample('vector', 242, [4], 4, counted(4, [0, 12])),
  sample('json', 245, [4], 4, counted(4, [5, 70000])),
  sample('decimal(1,0)', 246, [1, 0], 0x100, fixed(1)),
  sample('decimal(20,7)', 246, [20, 7], 0x1407, fixed(10)),
  sample('decimal(65,30)', 246, [65, 30], 0x411e, fixed(30)),
  sample('decimal(9,9)', 246, [9, 9], 0x909, fixed(4)),
  sample('enum', 254, [247, 1], 1, fixed(1), 247),
  sample('enum of 256', 254, [247, 2], 2, fixed(2), 247),
  sample('set of 64', 254, [248, 8], 8, fixed(8), 248),
  sample('blob', 252, [2], 2, counted(2, [0, 256])),
  sample('tinyblob', 252, [1], 1, counted(1, [0, 255])),
  sample('mediumblob', 252, [3], 3, counted(3, [0, 65536])),
  sample('longblob', 252, [4], 4, counted(4, [0, 65536])),
  sample('char(10)', 254, [254, 10], 10, counted(1, [0, 10])),
  sample('char(255) of utf8mb4', 254, [0xce, 0xfc], 1020, counted(2, [0, 1020])),
  sample('char(100) of utf8mb4', 254, [0xee, 0x90], 400, counted(2, [400])),
  sample('geometry', 255, [4], 4, counted(4, [25])),
];
