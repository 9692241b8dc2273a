import type { JsonWriter } from '../../bytes/json-writer.ts';
import { JsonWriter as Scratch } from '../../bytes/json-writer.ts';
import { writeJsonNative, writeJsonText } from '../../values/json-column.ts';
import type { LogicalType, ScalarKind } from '../../values/logical-type.ts';
import { sameType } from '../../values/logical-type.ts';
import { writeInet4, writeInet6, writeUuid } from '../../values/mariadb-network.ts';
import {
  oldDatetimeBytes,
  oldTimeBytes,
  oldTimestampBytes,
  writeOldDatetime,
  writeOldTime,
  writeOldTimestamp,
} from '../../values/mariadb-temporal.ts';
import { blankPlace, unitBytes } from '../../values/mysql-charset.ts';
import { writeDoubleBinary, writeDoubleText, writeFloatBinary, writeFloatText } from '../../values/mysql-float.ts';
import { writeJsonBinary, writeJsonBinaryNative } from '../../values/mysql-json.ts';
import {
  writeDateBinary,
  writeDatetimeBinary,
  writeTimeBinary,
  writeTimestampBinary,
} from '../../values/mysql-temporal.ts';
import * as text from '../../values/mysql-text.ts';
import type { ValueWriter } from '../../values/value-writer.ts';
import { NULLED, SAID } from '../../values/value-writer.ts';
import type { BinaryWriter, PartialWriter } from './binary-writer.ts';
import * as binary from './binary-writer.ts';
import { textWriterOf } from './charsets.ts';
import { type ColumnLayout, isCompressed, type ParsedType, parseColumnType } from './layout/column-layout.ts';

export { type BinaryWriter, type PartialWriter, VerdictCell } from './binary-writer.ts';
