import type { TypeFamily } from '../../../kit/type-family.ts';
import { arrayOf, BINARY, type CaseRow, cases, NUMBER } from './rows.ts';

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
};
/** Well-known binary, least significant byte first. */
const wkb = (type: number, ...parts: readonly Buffer[]): Buffer => Buffer.concat([Buffer.of(1), uint32(type), ...parts]);
const points = (...list: readonly (readonly [number, number])[]): Buffer[] => [
  uint32(list.length),
  ...list.flatMap(([x, y]) => [double(x), double(y)]),
];
const shape = (srid: number, body: Buffer): string => JSON.stringify(Buffer.concat([uint32(srid), body]).toString('base64'));

const pointAt = (x: number, y: number): Buffer => wkb(1, double(x), double(y));
const point: CaseRow = ["ST_GeomFromText('POINT(1 -2.5)')", shape(0, pointAt(1, -2.5))];
const line: CaseRow = ["ST_GeomFromText('LINESTRING(0 0,1 2)')", shape(0, wkb(2, ...points([0, 0], [1, 2])))];
const square = points([0, 0], [0, 1], [1, 1], [0, 0]);
const polygon: CaseRow = ["ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')", shape(0, wkb(3, uint32(1), ...square))];
const notes = [
  'Base64 of what the server stores: the SRID in four bytes, then well-known binary (WKB), least significant byte first.',
];

const shapes = [
  ...cases('point', BINARY, [point]),
  ...cases('linestring', BINARY, [line]),
  ...cases('polygon', BINARY, [polygon]),
  ...cases('geometry', BINARY, [point, line]),
  ...cases('multipoint', BINARY, [
    ["ST_GeomFromText('MULTIPOINT(1 2,3 4)')", shape(0, wkb(4, uint32(2), pointAt(1, 2), pointAt(3, 4)))],
  ]),
  ...cases('multilinestring', BINARY, [
    ["ST_GeomFromText('MULTILINESTRING((0 0,1 2))')", shape(0, wkb(5, uint32(1), wkb(2, ...points([0, 0], [1, 2]))))],
  ]),
  ...cases('multipolygon', BINARY, [
    ["ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))')", shape(0, wkb(6, uint32(1), wkb(3, uint32(1), ...square)))],
  ]),
  ...cases('geometrycollection', BINARY, [
    ["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')", shape(0, wkb(7, uint32(1), pointAt(1, 2)))],
  ]),
];

export const mysqlSpatial: TypeFamily = {
  name: 'spatial',
  title: 'Geometry and vectors',
  notes: [...notes, 'A `vector` is an array of numbers, each with the shortest digits that read back as the same `float`.'],
  cases: [
    ...shapes,
    // In this reference system the server takes the latitude first, and stores the longitude first.
    ...cases('point SRID 4326', BINARY, [["ST_GeomFromText('POINT(1 2)', 4326)", shape(4326, pointAt(2, 1))]]),
    ...cases('vector(3)', arrayOf(NUMBER), [
      ["TO_VECTOR('[1,2.5,-0.1]')", '[1,2.5,-0.1]'],
      ["TO_VECTOR('[1e-10]')", '[0.0000000001]'],
    ]),
    ...cases('vector', arrayOf(NUMBER), [["TO_VECTOR('[3.4028235e38,0.33333334]')", '[3.4028235e38,0.33333334]']]),
  ],
};

export const mariadbSpatial: TypeFamily = {
  name: 'spatial',
  title: 'Geometry',
  notes,
  cases: [...shapes, ...cases('geometry', BINARY, [["ST_GeomFromText('POINT(1 2)', 4326)", shape(4326, pointAt(1, 2))]])],
};
